"""What is deployed: template.yaml, and the archives of its functions and settings."""

import json
import re
import shutil

from samtranslator.yaml_helper import yaml_parse

import gaps
from running import ROOT, fail

FUNCTION, LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"


class Package:
    """What `sam build` leaves behind, made of the programs that build-functions has built: a folder for each function, and the
    template that names these folders. `sam build` itself would compile each of them once more. What differs beyond that is in
    gaps.py; `mounted` is the folder that stands for /opt."""

    def __init__(self, work, parameters, programs):
        self.mounted = work / "opt"
        self.settings = work / "config"
        self.path = work / "template.json"
        self.template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
        shutil.copytree(ROOT / "infra/config", self.settings)
        for name, resource in self.of_type(FUNCTION).items():
            folder = work / "functions" / name
            folder.mkdir(parents=True)
            shutil.copy2(programs[resource["Metadata"]["BuildProperties"]["Binary"]], folder / "bootstrap")
            resource["Properties"]["CodeUri"] = str(folder)
        for resource in self.of_type(LAYER).values():
            if ROOT / resource["Properties"]["ContentUri"] != ROOT / "infra/config":
                fail(f"a layer is not infra/config but {resource['Properties']['ContentUri']}: package.py must copy it, too")
            resource["Properties"]["ContentUri"] = str(self.settings)
        self.path.write_text(json.dumps(gaps.changed(self.template, self.mounted, parameters)), encoding="utf-8")

    def of_type(self, kind):
        """The template's resources of this type, by their names."""
        return {name: each for name, each in self.template["Resources"].items() if each["Type"] == kind}

    def rename_first_method(self, title):
        """Changes payments.toml as operations would."""
        path = self.settings / "payments.toml"
        text, changed = re.subn(r'(?m)^title = ".*"$', f'title = "{title}"', path.read_text(encoding="utf-8"), count=1)
        if not changed:
            fail("infra/config/payments.toml has no title to change")
        path.write_text(text, encoding="utf-8")
