//! Whose code a module is: the program's, a package's or the standard library's.

use memtop_heap::Origin;

use super::access::HeapAccess;
use super::state::Walk;

impl<S: HeapAccess> Walk<'_, S> {
    /// Whose code a module is, by its file.
    pub(super) fn origin_by_file(&mut self, name: &str, dict: u64) -> Origin {
        let file = self.decoder.value_of(dict, "__file__").and_then(|file| self.decoder.string_at(file));
        let Some(file) = file else {
            return if self.is_standard(name) { Origin::Standard } else { Origin::Own };
        };
        self.origin_of_file(&file)
    }

    pub(super) fn origin_of_file(&self, file: &str) -> Origin {
        if ["/site-packages/", "/dist-packages/", "\\site-packages\\"].iter().any(|part| file.contains(part))
        {
            Origin::Package
        } else if file.starts_with("<frozen ")
            || self.facts.standard.iter().any(|path| file.starts_with(path))
        {
            Origin::Standard
        } else {
            Origin::Own
        }
    }

    /// Whether a module belongs to the standard library, by its name.
    pub(super) fn is_standard(&self, module: &str) -> bool {
        let top = module.split('.').next().unwrap_or_default();
        self.facts.standard_modules.contains(top)
    }

    /// Whose code a module is, by its name or by that of its package.
    pub(super) fn origin_of(&self, module: &str) -> Origin {
        if let Some(&origin) = self.origins.get(module) {
            return origin;
        }
        let top = module.split('.').next().unwrap_or_default();
        match self.origins.get(top) {
            Some(&origin) => origin,
            None if self.is_standard(top) => Origin::Standard,
            None => Origin::Own,
        }
    }
}
