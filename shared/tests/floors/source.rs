//! A crate's files as modules, and what each of them names of the others.
//!
//! A name counts for the file where its item stands, however often it is re-exported on the way. A re-export itself is no use of the
//! item. What is called without being named, a method of a type, is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, Meta, UseTree, VisRestricted, Visibility};

/// The repository.
pub(crate) fn root() -> PathBuf {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR"));
    shared.parent().unwrap().to_owned()
}

/// The Rust files below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A path by its segments.
pub(crate) type Segments = Vec<String>;

/// What a `use` brings into a file.
struct Import {
    /// The name it has there; `*` for all of a module's.
    name: String,
    target: Segments,
    reexported: bool,
    in_tests: bool,
}

/// A file of a crate.
pub(crate) struct Source {
    /// Where it is, from the repository's root.
    pub(crate) file: String,
    module: Segments,
    imports: Vec<Import>,
    /// The modules that are declared in it.
    children: BTreeSet<String>,
    /// The paths in its code, and whether a test names them.
    named: BTreeSet<(Segments, bool)>,
}

impl Source {
    /// Reads the file of a crate whose sources are in `sources`.
    pub(crate) fn read(sources: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        Self::parse(file, module_of(path.strip_prefix(sources).unwrap()), &text)
    }

    /// Reads a file's text.
    pub(crate) fn parse(file: String, module: Segments, text: &str) -> Self {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let source =
            Self { file, module: module.clone(), imports: Vec::new(), children: BTreeSet::new(), named: BTreeSet::new() };
        let mut reader = Reader { source, scope: module, in_tests: false };
        reader.visit_file(&parsed);
        reader.source
    }

    /// Every path that it names, from its crate's root on, or after an empty segment from another crate on.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Segments> {
        self.imports.iter().map(|import| &import.target).chain(self.named.iter().map(|(path, _)| path))
    }

    /// The same without its tests.
    pub(crate) fn code_paths(&self) -> impl Iterator<Item = &Segments> {
        let imported = self.imports.iter().filter(|import| !import.in_tests).map(|import| &import.target);
        imported.chain(self.named.iter().filter(|(_, in_tests)| !in_tests).map(|(path, _)| path))
    }
}

/// `a/mod.rs` and `a.rs` are `a`, `lib.rs` is the crate itself.
fn module_of(path: &Path) -> Segments {
    let mut module: Segments = path.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

/// Reads what a file names.
struct Reader {
    source: Source,
    /// The module in which the reader is: the file's, or one that stands in the file.
    scope: Segments,
    in_tests: bool,
}

impl Reader {
    /// A path from the crate's root on, without `crate`, `self` and `super`; after an empty segment what begins with none of them.
    fn absolute(&self, path: &[String]) -> Segments {
        let mut base = self.scope.clone();
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => (base, rest) = (Vec::new(), &path[1..]),
            Some("self") => rest = &path[1..],
            Some("super") => {}
            _ => base = vec![String::new()],
        }
        while let Some("super") = rest.first().map(String::as_str) {
            base.pop();
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        base
    }

    fn import(&mut self, tree: &UseTree, prefix: &[String], reexported: bool) {
        let below = |name: &str| [prefix, &[name.to_owned()]].concat();
        let (name, path) = match tree {
            UseTree::Path(path) => return self.import(&path.tree, &below(&path.ident.to_string()), reexported),
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.import(tree, prefix, reexported)),
            UseTree::Name(name) if name.ident == "self" => (prefix.last().cloned().unwrap(), prefix.to_vec()),
            UseTree::Name(name) => (name.ident.to_string(), below(&name.ident.to_string())),
            UseTree::Rename(rename) => (rename.rename.to_string(), below(&rename.ident.to_string())),
            UseTree::Glob(_) => ("*".to_owned(), prefix.to_vec()),
        };
        let target =
            if self.source.children.contains(&path[0]) { [&self.scope[..], &path[..]].concat() } else { self.absolute(&path) };
        self.source.imports.push(Import { name, target, reexported, in_tests: self.in_tests });
    }

    fn name(&mut self, path: Segments) {
        self.source.named.insert((path, self.in_tests));
    }

    /// What the tokens of a macro, or of an attribute and the texts in it, name.
    fn tokens(&mut self, tokens: &str) {
        let text = tokens.replace(" :: ", "::");
        for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':') {
            let path: Segments = word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            if !path.is_empty() {
                let path = self.absolute(&path);
                self.name(path);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_file(&mut self, file: &'ast syn::File) {
        let modules = file.items.iter().filter_map(|item| {
            let Item::Mod(module) = item else { return None };
            module.content.is_none().then(|| module.ident.to_string())
        });
        self.source.children = modules.collect();
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let around = (self.scope.clone(), self.in_tests);
        self.in_tests |= module.attrs.iter().any(is_for_tests);
        self.scope.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        (self.scope, self.in_tests) = around;
    }

    /// `pub(crate)` and its like name nothing that is used.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let around = self.in_tests;
        self.in_tests |= item.attrs.iter().any(is_for_tests);
        self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
        self.in_tests = around;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let from_root = self.absolute(&segments);
        self.name(from_root);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(&call.tokens.to_string());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(&list.tokens.to_string());
        }
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "test")
}

/// A crate's files.
pub(crate) struct Crate {
    sources: BTreeMap<Segments, Source>,
}

impl Crate {
    /// Reads a crate's library.
    pub(crate) fn read(folder: &str) -> Self {
        let sources = root().join(folder).join("src");
        // A program beside its library only wires: it is a crate of its own.
        let files = files_below(&sources).into_iter().filter(|file| *file != sources.join("main.rs"));
        Self::of(files.map(|file| Source::read(&sources, &file)))
    }

    /// The crate of these files.
    pub(crate) fn of(sources: impl IntoIterator<Item = Source>) -> Self {
        Self { sources: sources.into_iter().map(|source| (source.module.clone(), source)).collect() }
    }

    /// For each file the files that it uses, tests aside.
    pub(crate) fn uses(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.sources.values().map(|source| (source.file.as_str(), self.used_by(source))).collect()
    }

    fn used_by<'a>(&'a self, source: &'a Source) -> BTreeSet<&'a str> {
        let imported = source.imports.iter().filter(|import| !import.reexported && !import.in_tests);
        let mut used: BTreeSet<&str> = imported.filter_map(|import| self.home(&import.target, 0)).collect();
        for (path, _) in source.named.iter().filter(|(_, in_tests)| !in_tests) {
            used.extend(match path.first() {
                Some(first) if first.is_empty() => self.behind_name(source, &path[1..]),
                _ => self.home(path, 0),
            });
        }
        used.remove(source.file.as_str());
        used
    }

    /// The file of what a path names whose first segment is a module below, or imported.
    fn behind_name<'a>(&'a self, source: &Source, path: &[String]) -> Option<&'a str> {
        let (first, rest) = path.split_first()?;
        if source.children.contains(first) {
            return self.home(&[&source.module[..], path].concat(), 0);
        }
        let import = source.imports.iter().find(|import| import.name == *first && !import.in_tests)?;
        self.home(&[&import.target[..], rest].concat(), 0)
    }

    /// The file where the item of a path stands, through re-exports; nothing outside this crate.
    fn home(&self, path: &[String], depth: usize) -> Option<&str> {
        if path.first().is_some_and(String::is_empty) || depth > 8 {
            return None;
        }
        // The longest part of it that is a file.
        let length = (0..=path.len()).rev().find(|length| self.sources.contains_key(&path[..*length]))?;
        let source = &self.sources[&path[..length]];
        let rest = &path[length..];
        let Some(name) = rest.first() else { return Some(&source.file) };
        let import = source.imports.iter().find(|import| import.name == *name && !import.in_tests);
        let behind = import.and_then(|import| self.home(&[&import.target[..], &rest[1..]].concat(), depth + 1));
        behind.or(Some(&source.file))
    }
}
