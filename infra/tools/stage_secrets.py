"""The stage's secrets, a change at a time. Started by infra/tools/secrets:

    secrets STAGE show                          the names that are filled in, and what is missing; never a value
    secrets STAGE set [NAME...]                 asks for each value (or takes lines of standard input), or makes up what is ours to make up;
                                                without a name: all that are needed and missing
    secrets STAGE add-person NAME read|operate|refund|refund:LIMIT
                                                a key of the back office, printed once; a second one of a name is its next; with a limit,
                                                so much (5000, 99.50) is given back alone in a day
    secrets STAGE remove-person NAME [--oldest]             all of their keys, or the one that came first
    secrets STAGE rotate NAME                   puts a new key beside the one in force
    secrets STAGE rotate NAME --finish          puts it in its place, which ends the old one: when the new one is used everywhere

The document is always read, changed and written as a whole, so that nothing else in it is lost. Values never stand on a command line.
"""

import argparse
import base64
import getpass
import re
import secrets as random
import sys

from installation import AwsError, Stage, persons


def signing_key():
    """A key of Standard Webhooks."""
    return "whsec_" + base64.b64encode(random.token_bytes(32)).decode()


# Keys that are ours to make up: how.
OURS = {
    "IMSHOP_KEY": lambda: random.token_hex(32),
    "INTERNAL_SECRET": lambda: random.token_hex(32),
    "SHOP_PUSH_KEY": lambda: random.token_hex(32),
    "SHOP_ORDERS_SECRET": signing_key,
    "SHOP_EVENTS_SECRET": signing_key,
    "SHOP_FORMS_SECRET": signing_key,
    "SMSPRO_REPORT_SECRET": lambda: random.token_hex(32),
}
# Who gets a new key that we have made up.
RECEIVERS = {
    "IMSHOP_KEY": "IMSHOP's manager",
    "SHOP_PUSH_KEY": "the shop's developers",
    "SHOP_ORDERS_SECRET": "the shop's developers",
    "SHOP_EVENTS_SECRET": "the shop's developers",
    "SHOP_FORMS_SECRET": "the shop's developers",
    "SMSPRO_REPORT_SECRET": "SMSPRO's cabinet (the last part of the address for reports)",
}


def entered(name):
    """A value from the terminal, unseen, or a line of standard input."""
    value = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline()
    value = value.strip()
    if not value:
        sys.exit(f"{name}: must not be empty; nothing is written")
    return value


def given(name, value):
    """Who gets a key that was made up, and the key; nothing about one that is nobody else's."""
    return f"; give it to {RECEIVERS[name]}: {value}" if name in RECEIVERS else ""


def show(document, _arguments):
    found = document.read()
    for name in document.known:
        if found.get(name, "").strip():
            print(f"set      {name}")
        elif name in document.needed:
            print(f"MISSING  {name}")
    for name in sorted(set(found) - set(document.known)):
        print(f"UNUSED   {name}: payments.toml has no such gateway" if document.may_have(name) else f"UNKNOWN  {name}: sets nothing")
    for name, role, _ in persons(found.get("BACK_OFFICE_KEYS", "")):
        print(f"person   {name}: {role}")


def fill(document, arguments):
    made = []

    def change(found):
        names = arguments.names or [name for name in document.needed if not found.get(name, "").strip()]
        for name in names:
            if not document.may_have(name):
                sys.exit(f"{name} is no secret of template.yaml: {', '.join(document.known)}, GATEWAY_{{NAME}}_SECRET")
            if name == "BACK_OFFICE_KEYS":
                if not arguments.names:
                    print("BACK_OFFICE_KEYS: give each person a key with add-person")
                    continue
                sys.exit("BACK_OFFICE_KEYS: use add-person and remove-person")
            if name == "INTERNAL_SECRET" and found.get(name):
                sys.exit("INTERNAL_SECRET is in use: codes and older forms are found by it; use rotate")
            if name in OURS and not arguments.enter:
                found[name] = OURS[name]()
                made.append(f"{name}: made up{given(name, found[name])}")
            else:
                found[name] = entered(name)
        return found

    document.change(change)
    # Only now: a key that is not in the document must reach nobody.
    print(*made, sep="\n", end="\n" if made else "")


def role(text):
    if re.fullmatch(r"read|operate|refund|refund:[0-9]{1,9}(\.[0-9]{1,2})?", text):
        return text
    raise argparse.ArgumentTypeError("must be read, operate, refund or refund:LIMIT, like refund:5000")


def add_person(document, arguments):
    if not re.fullmatch(r"[a-z0-9-]{1,32}", arguments.name):
        sys.exit("a name has 1 to 32 of a to z, digits and dashes")
    key = random.token_hex(24)

    def change(found):
        known = persons(found.get("BACK_OFFICE_KEYS", ""))
        theirs = [role for name, role, _ in known if name == arguments.name]
        if len(theirs) > 1:
            sys.exit(f"{arguments.name} has two keys already: remove-person {arguments.name} --oldest")
        if theirs and theirs[0] != arguments.role:
            sys.exit(f"{arguments.name} is {theirs[0]}: both keys of a name have one role and limit; remove-person first")
        found["BACK_OFFICE_KEYS"] = ",".join(":".join(each) for each in [*known, (arguments.name, arguments.role, key)])
        return found

    document.change(change)
    print(f"the key of {arguments.name}, which is not shown again: {key}")


def remove_person(document, arguments):
    def change(found):
        known = persons(found.get("BACK_OFFICE_KEYS", ""))
        theirs = [each for each in known if each[0] == arguments.name]
        if not theirs:
            sys.exit(f"{arguments.name} has no key; these have: {', '.join(sorted({each[0] for each in known}))}")
        gone = theirs[:1] if arguments.oldest else theirs
        left = [each for each in known if each not in gone]
        if not left:
            sys.exit("the back office would have no key left, and would not start: add somebody first")
        found["BACK_OFFICE_KEYS"] = ",".join(":".join(each) for each in left)
        return found

    document.change(change)


def rotate(document, arguments):
    name = arguments.name
    said = []

    def internal(found):
        if arguments.finish:
            sys.exit("INTERNAL_SECRET is changed at once; the one before it is taken out by --forms-are-gone")
        if not found.get("INTERNAL_SECRET"):
            sys.exit("INTERNAL_SECRET is not there yet: use set")
        if "INTERNAL_SECRET_PREVIOUS" in found:
            if not arguments.forms_are_gone:
                sys.exit("INTERNAL_SECRET_PREVIOUS finds a person's older forms: --forms-are-gone takes it out when the oldest form's "
                         "retention_days are over")
            del found["INTERNAL_SECRET_PREVIOUS"]
        else:
            found["INTERNAL_SECRET_PREVIOUS"] = found["INTERNAL_SECRET"]
            found["INTERNAL_SECRET"] = OURS["INTERNAL_SECRET"]()
            said.append("codes that are under way have to be asked for again; rotate once more, with --forms-are-gone, when the oldest form is gone")
        return found

    def beside(found):
        following = f"{name}_NEXT"
        if arguments.finish:
            if not found.get(following):
                sys.exit(f"{following} is not there: rotate {name} puts a new key beside the one in force")
            found[name] = found.pop(following)
            said.append(f"{name}: the next key is the key now; in five minutes the old one opens nothing any more")
        elif found.get(following):
            sys.exit(f"{following} is there already, and nothing is changed. When it is used everywhere: rotate {name} --finish, which ends the old key")
        elif not found.get(name):
            sys.exit(f"{name} is not there yet, and no function starts with a next key alone: use set")
        else:
            ours = name in OURS and not arguments.enter
            found[following] = OURS[name]() if ours else entered(following)
            said.append(f"{following}: both keys are good in five minutes{given(name, found[following]) if ours else ''}")
            said.append(f"when it is used everywhere: rotate {name} --finish")
        return found

    if name == "INTERNAL_SECRET":
        document.change(internal)
    elif document.is_changing(f"{name}_NEXT"):
        document.change(beside)
    else:
        able = [each.removesuffix("_NEXT") for each in document.changing if each.endswith("_NEXT")]
        sys.exit(f"{name} has no next one: change it here (set {name}) and there at the same time. With a next one: {', '.join(able)}, INTERNAL_SECRET")
    print(*said, sep="\n", end="\n" if said else "")


def main():
    parser = argparse.ArgumentParser(prog="infra/tools/secrets", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage")
    commands = parser.add_subparsers(required=True)
    commands.add_parser("show").set_defaults(run=show)
    command = commands.add_parser("set")
    command.add_argument("names", nargs="*")
    command.add_argument("--enter", action="store_true", help="ask for what would be made up, too")
    command.set_defaults(run=fill)
    command = commands.add_parser("add-person")
    command.add_argument("name")
    command.add_argument("role", type=role)
    command.set_defaults(run=add_person)
    command = commands.add_parser("remove-person")
    command.add_argument("name")
    command.add_argument("--oldest", action="store_true")
    command.set_defaults(run=remove_person)
    command = commands.add_parser("rotate")
    command.add_argument("name")
    command.add_argument("--enter", action="store_true", help="ask for what would be made up")
    command.add_argument("--finish", action="store_true", help="the new key is used everywhere: end the old one")
    command.add_argument("--forms-are-gone", action="store_true", help="INTERNAL_SECRET: take the one before it out")
    command.set_defaults(run=rotate)
    arguments = parser.parse_args()
    try:
        arguments.run(Stage(arguments.stage).secrets, arguments)
    except AwsError as error:
        sys.exit(f"infra/tools/secrets: {error}")


main()
