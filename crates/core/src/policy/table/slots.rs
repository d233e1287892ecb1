//! An open hash table of numbers; what they stand for is kept elsewhere.

const FREE: u32 = u32::MAX;

/// The number of an entry and half of its hash, which tells most strangers apart.
#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    entry: u32,
}

/// Slots, no more than half of them taken; their number is a power of two.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    slots: Box<[Slot]>,
}

impl Slots {
    /// The entries with these hashes, numbered from zero, and room for as many more.
    pub(super) fn of(hashes: &[u64]) -> Self {
        const FEWEST: usize = 8;
        let size = (hashes.len() * 3).next_power_of_two().max(FEWEST);
        let mut slots = Self { slots: vec![Slot { tag: 0, entry: FREE }; size].into() };
        for (entry, hash) in (0..).zip(hashes) {
            slots.place(*hash, entry);
        }
        slots
    }

    /// Adds the last of these hashes, the others of which are there already.
    pub(super) fn push(&mut self, hashes: &[u64]) {
        if hashes.len() * 2 > self.slots.len() {
            *self = Self::of(hashes);
        } else if let (Some(hash), Ok(entry)) = (hashes.last(), u32::try_from(hashes.len() - 1)) {
            self.place(*hash, entry);
        }
    }

    fn place(&mut self, hash: u64, entry: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize;
        while let Some(slot) = self.slots.get_mut(at & mask) {
            if slot.entry == FREE {
                *slot = Slot { tag: tag(hash), entry };
                return;
            }
            at = at.wrapping_add(1);
        }
    }

    /// The entries that may have this hash.
    #[inline]
    pub(super) fn probe(&self, hash: u64) -> impl Iterator<Item = u32> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize;
        let taken = std::iter::from_fn(move || {
            let slot = self.slots.get(at & mask).filter(|slot| slot.entry != FREE)?;
            at = at.wrapping_add(1);
            Some(slot)
        });
        taken.filter(move |slot| slot.tag == tag(hash)).map(|slot| slot.entry)
    }
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}
