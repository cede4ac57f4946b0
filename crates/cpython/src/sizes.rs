use crate::decoder::Decoder;
use crate::memory::Memory;
use crate::type_info::TypeInfo;

impl<M: Memory> Decoder<'_, M> {
    /// size
    pub fn size(&mut self, at: u64, info: &TypeInfo) -> u64 {
        let _ = at;
        info.basic_size
    }
}
