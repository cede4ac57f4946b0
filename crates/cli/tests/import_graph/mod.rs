//! The imports between the files of a crate, read from its syntax.
//!
//! A file imports another if it names something that is defined there: in a `use`, in a path, or in the arguments of a
//! macro. A name that is re-exported is followed to the file that defines it, so a re-export itself is not an import.
//! Unit tests are left out. Methods are not seen: which file a method comes from takes types to know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, File, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// A module's path within its crate; the root's is empty.
type Module = Vec<String>;

/// What one file says.
#[derive(Default)]
struct Source {
    /// Names brought into scope: each with the path that it stands for.
    aliases: BTreeMap<String, Vec<String>>,
    /// The paths that the file names, relative to its module or from `crate`.
    paths: BTreeSet<Vec<String>>,
}

/// The files of a crate and what each imports, with one name that it imports as the reason.
pub(crate) struct ImportGraph {
    edges: BTreeMap<PathBuf, BTreeMap<PathBuf, String>>,
}

impl ImportGraph {
    /// Reads all files below `src`.
    pub(crate) fn of_crate(src: &Path, files: &[PathBuf]) -> Self {
        let mut sources: BTreeMap<Module, (PathBuf, Source)> = BTreeMap::new();
        for file in files {
            let relative = file.strip_prefix(src).unwrap();
            let syntax = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
            sources.insert(module_of(relative), (relative.to_owned(), Source::of(&syntax)));
        }
        let mut edges: BTreeMap<PathBuf, BTreeMap<PathBuf, String>> = BTreeMap::new();
        for (module, (file, source)) in &sources {
            let imports = edges.entry(file.clone()).or_default();
            for path in &source.paths {
                let Some(target) = resolve(&sources, module, path, 0) else { continue };
                let target = &sources[&target].0;
                if target != file {
                    imports.entry(target.clone()).or_insert_with(|| path.join("::"));
                }
            }
        }
        Self { edges }
    }

    /// The shortest cycle of imports, a line an import; `None` if there is none. O(files · imports).
    pub(crate) fn cycle(&self) -> Option<Vec<String>> {
        let cycles = self.edges.keys().filter_map(|start| self.shortest_cycle(start));
        cycles.min_by_key(Vec::len)
    }

    fn shortest_cycle(&self, start: &PathBuf) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&PathBuf, &PathBuf> = BTreeMap::new();
        let mut frontier = vec![start];
        while !frontier.is_empty() {
            let mut next = Vec::new();
            for file in frontier {
                for target in self.edges[file].keys() {
                    if target == start {
                        return Some(self.lines(start, file, &came_from));
                    }
                    if !came_from.contains_key(target) {
                        came_from.insert(target, file);
                        next.push(target);
                    }
                }
            }
            frontier = next;
        }
        None
    }

    fn lines(
        &self,
        start: &PathBuf,
        last: &PathBuf,
        came_from: &BTreeMap<&PathBuf, &PathBuf>,
    ) -> Vec<String> {
        let mut files = vec![start, last];
        while let Some(file) = files.last().filter(|file| **file != start) {
            files.push(came_from[file]);
        }
        files.reverse();
        let line = |pair: &[&PathBuf]| {
            format!("{} imports {} ({})", pair[0].display(), pair[1].display(), self.edges[pair[0]][pair[1]])
        };
        files.windows(2).map(line).collect()
    }
}

/// The module that a file below `src` holds.
fn module_of(relative: &Path) -> Module {
    let mut module: Module =
        relative.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] || module == ["main"] {
        module.pop();
    }
    module
}

/// The module whose file defines what `path` names in `module`: the last module on the path, or, of a name that it
/// imports or re-exports, the one where that is defined.
fn resolve(
    sources: &BTreeMap<Module, (PathBuf, Source)>,
    module: &Module,
    path: &[String],
    depth: usize,
) -> Option<Module> {
    if depth > sources.len() {
        return None;
    }
    let mut at = module.clone();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => (at, rest) = (Module::new(), &rest[1..]),
        "self" => rest = &rest[1..],
        "super" => {
            while let Some("super") = rest.first().map(String::as_str) {
                at.pop();
                rest = &rest[1..];
            }
        }
        first => {
            // A child module, a name in scope, or another crate's.
            let child: Module = at.iter().cloned().chain([first.to_owned()]).collect();
            if !sources.contains_key(&child) && !sources[&at].1.aliases.contains_key(first) {
                return None;
            }
        }
    }
    while let Some(first) = rest.first() {
        let child: Module = at.iter().cloned().chain([first.clone()]).collect();
        if sources.contains_key(&child) {
            (at, rest) = (child, &rest[1..]);
            continue;
        }
        let (_, source) = sources.get(&at)?;
        if let Some(alias) = source.aliases.get(first) {
            let path: Vec<String> = alias.iter().chain(&rest[1..]).cloned().collect();
            return resolve(sources, &at, &path, depth + 1);
        }
        break;
    }
    Some(at)
}

impl Source {
    fn of(syntax: &File) -> Self {
        let mut source = Self::default();
        source.visit_file(syntax);
        source
    }

    fn add_use(&mut self, tree: &UseTree, before: &mut Vec<String>, is_reexport: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_use(&path.tree, before, is_reexport);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, before, is_reexport);
                }
            }
            UseTree::Glob(_) => drop(self.paths.insert(before.clone())),
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                let mut path = before.clone();
                if name != "self" {
                    path.push(name);
                }
                self.alias(path.last().cloned().unwrap_or_default(), path, is_reexport);
            }
            UseTree::Rename(rename) => {
                let mut path = before.clone();
                if rename.ident != "self" {
                    path.push(rename.ident.to_string());
                }
                self.alias(rename.rename.to_string(), path, is_reexport);
            }
        }
    }

    fn alias(&mut self, name: String, path: Vec<String>, is_reexport: bool) {
        if !is_reexport {
            self.paths.insert(path.clone());
        }
        // `use name;` would stand for itself.
        if path.len() > 1 {
            self.aliases.insert(name, path);
        }
    }

    /// The paths from `crate` in the arguments of a macro.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Option<Vec<String>> = None;
        let mut is_after_colons = false;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if name == "crate" || name == "super" && path.is_none() => {
                    path = Some(vec![name.to_string()]);
                    is_after_colons = false;
                    continue;
                }
                TokenTree::Ident(name) if is_after_colons => {
                    if let Some(path) = &mut path {
                        path.push(name.to_string());
                    }
                    is_after_colons = false;
                    continue;
                }
                TokenTree::Punct(colon) if colon.as_char() == ':' && path.is_some() => {
                    is_after_colons = true;
                    continue;
                }
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                _ => {}
            }
            self.paths.extend(path.take());
        }
        self.paths.extend(path);
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !module.attrs.iter().any(is_for_tests) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !item.attrs.iter().any(is_for_tests) {
            let is_reexport = !matches!(item.vis, Visibility::Inherited);
            self.add_use(&item.tree, &mut Vec::new(), is_reexport);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_none() && segments.len() > 1 {
            self.paths.insert(segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}
