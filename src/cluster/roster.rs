//! What a watch has named so far. It names everything again whenever it was broken: only when it is through, what it did not
//! name is known to be gone.

use std::collections::{BTreeMap, BTreeSet};

/// Namespace and name.
pub type Key = (String, String);

/// Objects of one watch, by namespace and name.
#[derive(Clone, Debug)]
pub struct Roster<T> {
    objects: BTreeMap<Key, T>,
    /// Those that were not named yet, while all are being named.
    unnamed: BTreeSet<Key>,
    is_whole: bool,
}

impl<T> Default for Roster<T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            unnamed: BTreeSet::new(),
            is_whole: false,
        }
    }
}

impl<T> Roster<T> {
    /// The objects, in their order.
    #[must_use]
    pub fn objects(&self) -> &BTreeMap<Key, T> {
        &self.objects
    }

    /// An object; nothing when it is not known to be there.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&T> {
        self.objects.get(key)
    }

    /// Whether everything was named at least once.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Says that everything was named: a watch of single objects names no others.
    pub fn set_whole(&mut self) {
        self.is_whole = true;
    }

    /// Forgets everything, which is then known not to be there.
    pub fn clear(&mut self) {
        *self = Self {
            is_whole: true,
            ..Self::default()
        };
    }

    /// Takes an object in, and returns the one that was there.
    pub fn put(&mut self, key: Key, object: T) -> Option<T> {
        self.unnamed.remove(&key);
        self.objects.insert(key, object)
    }

    /// Drops an object that is gone.
    pub fn remove(&mut self, key: &Key) {
        self.unnamed.remove(key);
        self.objects.remove(key);
    }

    /// Everything is named anew from here on.
    pub fn begin(&mut self) {
        self.unnamed = self.objects.keys().cloned().collect();
    }

    /// Everything was named: drops what was not, and returns its keys.
    pub fn end(&mut self) -> BTreeSet<Key> {
        let gone = std::mem::take(&mut self.unnamed);
        self.objects.retain(|key, _| !gone.contains(key));
        self.is_whole = true;
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Roster};

    fn key(name: &str) -> Key {
        ("shop".to_owned(), name.to_owned())
    }

    #[test]
    fn what_a_list_does_not_name_is_gone_when_it_is_through() {
        let mut roster: Roster<u8> = Roster::default();
        for name in ["a", "b", "c"] {
            roster.put(key(name), 1);
        }
        assert!(!roster.is_whole());
        assert_eq!(roster.end(), [].into());
        assert!(roster.is_whole());
        roster.begin();
        assert_eq!(roster.put(key("a"), 2), Some(1));
        roster.remove(&key("b"));
        // Broken off, and begun again: what was named before counts no more.
        roster.begin();
        roster.put(key("c"), 3);
        assert_eq!(roster.get(&key("a")), Some(&2));
        assert_eq!(roster.end(), [key("a")].into());
        assert_eq!(roster.objects().clone(), [(key("c"), 3)].into());
    }
}
