//! The member that a getter written in C returns, if that is all that it does.
//!
//! Compilers for classes (Cython, mypyc) give each attribute a getter instead of a member with an offset. Such a
//! getter loads one word of the object, increments a reference count, and returns the word. Its machine code
//! (x86-64) is followed along each branch. Every instruction that may do anything else ends the path, so a
//! property that computes something has no member.

/// The most bytes of a function that are read.
pub(crate) const LONGEST_GETTER: usize = 160;
/// The most instructions that are followed.
const MOST_STEPS: usize = 120;

/// The registers, by their number in an instruction.
const RAX: u8 = 0;
const RSP: u8 = 4;
const RBP: u8 = 5;
const RDI: u8 = 7;

/// The content of the registers at a place in the code.
#[derive(Clone, Copy)]
struct State {
    at: usize,
    /// Whether each register holds the object.
    object: u16,
    /// Whether each register holds the member.
    member: u16,
    offset: Option<u64>,
}

impl State {
    fn write(&mut self, register: u8) {
        self.object &= !(1 << register);
        self.member &= !(1 << register);
    }

    fn holds_member(&self, register: u8) -> bool {
        self.member & 1 << register != 0
    }
}

/// An operand: a register, or memory at a register and a displacement.
struct Operands {
    reg: u8,
    rm: u8,
    /// The displacement; none for a register.
    memory: Option<i64>,
    next: usize,
}

/// The offset of the member that a function of an object returns; `None` if it does anything else, or if the machine
/// is another.
pub(crate) fn returned_member(code: &[u8]) -> Option<u64> {
    if !cfg!(target_arch = "x86_64") {
        return None;
    }
    let mut open = vec![State { at: 0, object: 1 << RDI, member: 0, offset: None }];
    let mut steps = 0;
    while let Some(mut state) = open.pop() {
        while steps < MOST_STEPS {
            steps += 1;
            match step(code, &mut state) {
                Some(Next::On) => {}
                Some(Next::Either(target)) => open.push(State { at: target, ..state }),
                Some(Next::Returns) if state.holds_member(RAX) => return state.offset,
                _ => break,
            }
        }
    }
    None
}

enum Next {
    On,
    /// The next instruction, or the one at a place.
    Either(usize),
    Returns,
}

/// Follows one instruction; `None` if it is none of those that a plain getter has.
fn step(code: &[u8], state: &mut State) -> Option<Next> {
    let byte = |at: usize| code.get(at).copied();
    let mut at = state.at;
    // A jump may have left the code.
    byte(at)?;
    if code.get(at..at + 4) == Some(&[0xF3, 0x0F, 0x1E, 0xFA]) {
        state.at += 4; // endbr64
        return Some(Next::On);
    }
    if byte(at)? == 0xF3 && byte(at + 1)? == 0xC3 {
        return Some(Next::Returns); // rep ret
    }
    let mut rex = 0;
    if byte(at)? & 0xF0 == 0x40 {
        rex = byte(at)?;
        at += 1;
    }
    let is_wide = rex & 8 != 0;
    let opcode = byte(at)?;
    at += 1;
    let jump = |from: usize, by: i64| usize::try_from(from as i64 + by).unwrap_or(code.len());
    let near = |at: usize| Some(i64::from(i32::from_le_bytes(*code.get(at..)?.first_chunk()?)));
    match opcode {
        0xC3 => return Some(Next::Returns),
        0x50..=0x57 => state.at = at, // push
        0x58..=0x5F => {
            state.write(opcode & 7 | (rex & 1) << 3); // pop
            state.at = at;
        }
        0x70..=0x7F => {
            state.at = at + 1; // a jump on a condition
            return Some(Next::Either(jump(at + 1, i64::from(byte(at)? as i8))));
        }
        0x0F if byte(at)? & 0xF0 == 0x80 => {
            state.at = at + 5;
            return Some(Next::Either(jump(at + 5, near(at + 1)?)));
        }
        0xEB => state.at = jump(at + 1, i64::from(byte(at)? as i8)),
        0xE9 => state.at = jump(at + 4, near(at)?),
        0x3D => state.at = at + 4, // cmp eax, immediate
        _ => with_operands(code, state, opcode, operands(code, at, rex)?, is_wide)?,
    }
    Some(Next::On)
}

fn operands(code: &[u8], at: usize, rex: u8) -> Option<Operands> {
    let modrm = *code.get(at)?;
    let (reg, low) = (modrm >> 3 & 7 | (rex & 4) << 1, modrm & 7);
    let rm = low | (rex & 1) << 3;
    let (memory, next) = match modrm >> 6 {
        3 => (None, at + 1),
        // Another byte follows, or the address is relative to the code.
        mode if low == RSP || mode == 0 && low == RBP => return None,
        0 => (Some(0), at + 1),
        1 => (Some(i64::from(*code.get(at + 1)? as i8)), at + 2),
        _ => (Some(i64::from(i32::from_le_bytes(*code.get(at + 1..)?.first_chunk()?))), at + 5),
    };
    Some(Operands { reg, rm, memory, next })
}

/// Follows an instruction with operands. Of memory, only the member itself is read, and only the reference count of
/// the object that it leads to is changed.
fn with_operands(code: &[u8], state: &mut State, opcode: u8, of: Operands, is_wide: bool) -> Option<()> {
    let Operands { reg, rm, memory, next } = of;
    let is_count = memory == Some(0) && state.holds_member(rm);
    state.at = next;
    match (opcode, memory) {
        // mov register, [memory]
        (0x8B, Some(offset)) if is_wide && state.object & 1 << rm != 0 && state.offset.is_none() => {
            state.write(reg);
            state.member |= 1 << reg;
            state.offset = Some(u64::try_from(offset).ok()?);
        }
        (0x8B, Some(_)) if is_count => state.write(reg),
        // mov [memory], register
        (0x89, Some(_)) if is_count => {}
        // mov register, register
        (0x8B | 0x89, None) => {
            let (to, from) = if opcode == 0x8B { (reg, rm) } else { (rm, reg) };
            let held = |set: u16| if is_wide { (set >> from & 1) << to } else { 0 };
            let (object, member) = (held(state.object), held(state.member));
            state.write(to);
            state.object |= object;
            state.member |= member;
        }
        // test and cmp of registers
        (0x85 | 0x39 | 0x3B, None) => {}
        // lea register, [register + displacement]
        (0x8D, Some(_)) => state.write(reg),
        // add, sub or cmp with an immediate byte, of the stack pointer, another register, or the count
        (0x83, None) => {
            state.at = next + 1;
            if reg & 7 != 7 {
                state.write(rm);
            }
        }
        (0x83, Some(_)) if is_count && (reg & 7 == 0 || reg & 7 == 7) => state.at = next + 1,
        // cmp with an immediate word
        (0x81, None) if reg & 7 == 7 => state.at = next + 4,
        // inc
        (0xFF, None) if reg & 7 == 0 => state.write(rm),
        (0xFF, Some(_)) if is_count && reg & 7 == 0 => {}
        // xor, which sets a register to zero
        (0x31 | 0x33, None) => state.write(if opcode == 0x33 { reg } else { rm }),
        _ => return None,
    }
    (state.at <= code.len()).then_some(())
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::returned_member;

    #[test]
    fn a_getter_that_returns_a_member_is_recognised() {
        // mov rax,[rdi+0x18]; add qword [rax],1; ret
        let plain = [0x48, 0x8B, 0x47, 0x18, 0x48, 0x83, 0x00, 0x01, 0xC3];
        assert_eq!(returned_member(&plain), Some(0x18));
        // endbr64; mov rax,[rdi+0x120]; mov edx,[rax]; inc edx; je +2; mov [rax],edx; ret
        let far = [
            0xF3, 0x0F, 0x1E, 0xFA, 0x48, 0x8B, 0x87, 0x20, 0x01, 0, 0, 0x8B, 0x10, 0xFF, 0xC2, 0x74, 0x02,
            0x89, 0x10, 0xC3,
        ];
        assert_eq!(returned_member(&far), Some(0x120));
        // mov rax,[rdi+0x20]; test rax,rax; je error; add qword [rax],1; ret; error: call
        let checked = [
            0x48, 0x8B, 0x47, 0x20, 0x48, 0x85, 0xC0, 0x74, 0x05, 0x48, 0x83, 0x00, 0x01, 0xC3, 0xE8, 1, 2,
            3, 4,
        ];
        assert_eq!(returned_member(&checked), Some(0x20));
    }

    #[test]
    fn any_other_getter_has_no_member() {
        // mov rax,[rdi+0x18]; mov rax,[rax+0x10]; add qword [rax],1; ret: a member of the member
        let deeper = [0x48, 0x8B, 0x47, 0x18, 0x48, 0x8B, 0x40, 0x10, 0x48, 0x83, 0x00, 0x01, 0xC3];
        // mov rdi,[rdi+0x18]; jmp out of the function
        let calls = [0x48, 0x8B, 0x7F, 0x18, 0xE9, 0, 0x10, 0, 0];
        // mov rax,[rdi+0x18]; xor eax,eax; ret
        let nothing = [0x48, 0x8B, 0x47, 0x18, 0x31, 0xC0, 0xC3];
        // mov eax,[rdi+0x18]; ret: half a word
        let half = [0x8B, 0x47, 0x18, 0xC3];
        // jmp to itself
        let endless = [0xEB, 0xFE];
        for code in [&deeper[..], &calls, &nothing, &half, &endless, &[]] {
            assert_eq!(returned_member(code), None, "{code:x?}");
        }
        // Cut anywhere, and with any byte changed, the code is followed within its bytes.
        for cut in 0..deeper.len() {
            returned_member(&deeper[..cut]);
            for value in 0..=255 {
                let mut changed = deeper;
                changed[cut] = value;
                returned_member(&changed);
            }
        }
    }
}
