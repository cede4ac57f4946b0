//! The receiver of the references that the decoder finds.

use memtop_heap::{Label, StringId};

/// Receives the references of the object that is being decoded.
pub trait Sink {
    /// A reference.
    fn reference(&mut self, to: u64, label: Label);
    /// A word that may be a reference beside those that a traverse visited: it is one if the reference count
    /// of the object that it leads to is not explained without it.
    fn maybe_reference(&mut self, to: u64, label: Label);
    /// A word that leads to an object, as far as memory can show, and is a reference unless reference counts
    /// say otherwise. Reported only where no traverse can be called.
    fn probable_reference(&mut self, to: u64, label: Label);
    /// A reference that the object's traverse does not visit.
    fn hidden_reference(&mut self, to: u64, label: Label) {
        self.reference(to, label);
    }
    /// The same, found in a struct of which there is no proof but that it looks like the one that is expected.
    fn unproved_reference(&mut self, to: u64, label: Label) {
        self.hidden_reference(to, label);
    }
    /// The word at a pointer that may lead to no object, or to no memory at all.
    fn deref(&mut self, pointer: u64) -> Option<u64>;
    /// The handle of a text.
    fn name(&mut self, text: &str) -> StringId;
    /// Whether a dict is known to be the namespace of a module, class or instance, so that its keys are
    /// names.
    fn is_namespace(&mut self, dict: u64) -> bool;
    /// Names the variable that a cell holds.
    fn variable(&mut self, cell: u64, label: Label);
}
