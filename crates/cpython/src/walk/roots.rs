//! The roots: the namespaces of modules, the variables of running frames, thread locals, context variables.
//!
//! A root leads to the object itself: a module's root to its namespace, a frame's roots to the values of its
//! variables. An object that no root reaches and that is alive nevertheless is recognised by its reference
//! count, when the heap is made.

use memtop_heap::{Frame, Label, Origin, Root, RootKind, push};

use rustc_hash::FxHashSet;

use super::access::HeapAccess;
use super::state::Walk;
use crate::address::ADDRESS_MASK;
use crate::cycle_detector::CycleDetector;
use crate::layout::object as object_layout;
use crate::memory::Memory;
use crate::sink::Sink;

/// More modules than a process has.
const MAX_MODULES: usize = 1 << 20;
/// Deeper than any stack of frames gets.
const MAX_FRAMES: usize = 1 << 20;

impl<S: HeapAccess> Walk<'_, S> {
    /// Adds all roots.
    pub(super) fn roots(&mut self) {
        for interpreter in &self.facts.interpreters {
            self.modules(interpreter.modules);
        }
        let mut frames = FxHashSet::default();
        for interpreter in &self.facts.interpreters {
            for &thread in &interpreter.threads {
                self.thread(thread, &mut frames);
            }
        }
    }

    fn root(&mut self, kind: RootKind, origin: Origin, name: &str, label: Label, to: u64) {
        let name = self.sink.builder.string(name);
        if let Some(target) = self.sink.meet(to) {
            let root = Root::new(kind, name, target).with_origin(origin).with_label(label);
            self.sink.builder.check(push(&mut self.roots, root));
        }
    }

    fn modules(&mut self, modules: u64) {
        let entries: Vec<(u64, u64)> = self.decoder.entries(modules).take(MAX_MODULES).collect();
        let mut found: Vec<(String, u64, u64)> = Vec::new();
        for (key, module) in entries {
            let Some(name) = self.decoder.string_at(key) else { continue };
            let Some(dict) = self.decoder.namespace_of_module(module) else { continue };
            let origin = self.origin_by_file(&name, dict);
            self.origins.insert(name.clone(), origin);
            found.push((name, module, dict));
        }
        // A module under two names is one root: by its own name, else by the first under which it was found.
        let mut seen = rustc_hash::FxHashMap::default();
        for (name, _, dict) in &found {
            let own = self.decoder.value_of(*dict, "__name__").and_then(|name| self.decoder.string_at(name));
            let is_own = own.as_deref() == Some(name);
            let best = seen.entry(*dict).or_insert_with(|| name.clone());
            if is_own {
                best.clone_from(name);
            }
        }
        for (name, module, dict) in found {
            if seen.get(&dict) != Some(&name) {
                continue;
            }
            let origin = self.origins.get(&name).copied().unwrap_or_default();
            if self.memory_len(dict) >= 64 {
                self.sink.namespaces.insert(dict);
            }
            let kind = if name == "builtins" { RootKind::Builtins } else { RootKind::Module };
            self.root(kind, origin, &name, Label::DICT, dict);
            if name.split('.').next() == Some("mem_top") {
                let addresses = [module, dict].map(|address| self.sink.id(address));
                self.sink.meet(module);
                self.own.extend(addresses.into_iter().flatten());
            }
        }
        self.root(RootKind::Interpreter, Origin::Standard, "sys.modules", Label::UNLABELLED, modules);
    }

    fn memory_len(&self, dict: u64) -> u64 {
        self.memory.word((dict & ADDRESS_MASK) + 16).unwrap_or(0)
    }

    fn thread(&mut self, thread: u64, frames: &mut FxHashSet<u64>) {
        let layout = self.decoder.layout().thread;
        let memory = self.memory;
        let word = |at: u64| memory.word(at).unwrap_or(0);
        let name = format!("{}", word(thread + layout.thread_id));
        let dict = word(thread + layout.dict);
        if dict != 0 {
            self.root(RootKind::ThreadLocal, Origin::Unknown, &name, Label::DICT, dict);
        }
        let context = word(thread + layout.context);
        if context != 0 {
            for variable in self.decoder.context_variables(context, &mut self.sink) {
                let name = variable.name.unwrap_or_else(|| self.sink.builder.string(""));
                if let Some(target) = self.sink.meet(variable.value) {
                    let root = Root::new(RootKind::ContextVariable, name, target);
                    self.sink.builder.check(push(&mut self.roots, root));
                }
            }
            self.root(RootKind::Interpreter, Origin::Standard, "context", Label::UNLABELLED, context);
        }
        let mut chunk = layout.stack_chunk.map_or(0, |offset| word(thread + offset) & ADDRESS_MASK);
        let mut cycle = CycleDetector::default();
        while chunk != 0 && !cycle.repeats(chunk) {
            self.native.push((chunk, word(chunk + 8)));
            chunk = word(chunk) & ADDRESS_MASK;
        }
        let mut frame = word(thread + layout.frame) & ADDRESS_MASK;
        if let Some(offset) = layout.in_cframe
            && frame != 0
        {
            frame = word(frame + offset);
        }
        // A frame is one thread's alone.
        for _ in 0..MAX_FRAMES {
            if frame == 0 || !frames.insert(frame) {
                break;
            }
            self.frame(frame, &name);
            frame = self.decoder.previous_frame(frame).unwrap_or(0);
        }
    }

    fn frame(&mut self, address: u64, thread: &str) {
        let memory = self.memory;
        let Some(view) = self.decoder.frame(address) else { return };
        // The interpreter's own frames, which lead into C, have no Python code.
        let is_code = self.decoder.is_code(view.code);
        if !is_code {
            return;
        }
        let file_text = self.decoder.code_file(view.code).unwrap_or_default();
        if self.facts.package.as_ref().is_some_and(|package| file_text.starts_with(package.as_str())) {
            return;
        }
        let (function, file, line) = self.decoder.code_names(view.code, &mut self.sink);
        let builder = &mut self.sink.builder;
        let empty = builder.string("");
        let frame = Frame {
            thread: builder.string(thread),
            function: function.unwrap_or(empty),
            file: file.unwrap_or(empty),
            line,
        };
        let frame = builder.add_frame(frame);
        let origin = self.origin_of_file(&file_text);
        for local in self.decoder.locals(&view, &mut self.sink) {
            let held = match self.decoder.in_cell(local.value) {
                // The variable is what the cell holds; the cell is a root beside it.
                Some(content) => {
                    self.frame_root(frame, Label::UNLABELLED, local.value, origin);
                    content
                }
                None => local.value,
            };
            if held != 0 {
                self.frame_root(frame, local.label, held, origin);
            }
        }
        let function = self.decoder.function_of(&view);
        if function > 1 << 16
            && memory
                .word((function & ADDRESS_MASK) + object_layout::TYPE as u64)
                .is_some_and(|of| of > 1 << 16)
        {
            self.frame_root(frame, Label::UNLABELLED, function, origin);
        }
    }

    fn frame_root(&mut self, frame: memtop_heap::FrameId, label: Label, to: u64, origin: Origin) {
        let name = label.text().unwrap_or_else(|| self.sink.name(""));
        if let Some(target) = self.sink.meet(to) {
            let root = Root::local(frame, name, target).with_label(label).with_origin(origin);
            self.sink.builder.check(push(&mut self.roots, root));
        }
    }
}
