//! Puts sections together to one tree.

use super::section::Section;
use super::{Data, Key, Kind, Mistake, Table, Value};

/// Puts a section in its place.
pub(super) fn add<'t>(root: &mut Table<'t>, section: Section<'t>) -> Result<(), Mistake> {
    let Section { mut path, is_element, span, table } = section;
    let Some(last) = path.pop() else {
        // What comes before the first header is the beginning of the document itself.
        *root = table;
        return Ok(());
    };
    let mut parent = root;
    for key in &path {
        parent = descend(parent, key)?;
    }
    let value = Value { span, data: Data::Table(table) };
    if is_element { add_element(parent, last, value) } else { add_table(parent, last, value) }
}

/// The table under a key in front of the last one: the latest, if there are several.
fn descend<'a, 't>(table: &'a mut Table<'t>, key: &Key<'t>) -> Result<&'a mut Table<'t>, Mistake> {
    let entry = table.value_or(key, || Data::Table(Table::new(Kind::Implied)));
    let Some((first, value)) = entry else { return Err(Mistake::repeated(key, key.span)) };
    let inner = match &mut value.data {
        Data::Table(inner) => Some(inner),
        Data::Tables(tables) => match tables.last_mut().map(|value| &mut value.data) {
            Some(Data::Table(inner)) => Some(inner),
            _ => None,
        },
        _ => None,
    };
    inner.filter(|inner| inner.kind != Kind::Inline).ok_or_else(|| Mistake::repeated(key, first.span))
}

fn add_element<'t>(parent: &mut Table<'t>, key: Key<'t>, element: Value<'t>) -> Result<(), Mistake> {
    let span = element.span;
    let Some((first, value)) = parent.value_or(&key, || Data::Tables(Vec::new())) else { return Ok(()) };
    match &mut value.data {
        Data::Tables(tables) => {
            if tables.is_empty() {
                value.span = span;
            }
            tables.push(element);
            Ok(())
        }
        _ => Err(Mistake::repeated(&key, first.span)),
    }
}

fn add_table<'t>(parent: &mut Table<'t>, key: Key<'t>, table: Value<'t>) -> Result<(), Mistake> {
    let Some(place) = parent.place(&key.text) else {
        parent.push(key, table);
        return Ok(());
    };
    let Some((first, value)) = parent.entries.get_mut(place) else { return Ok(()) };
    match (&mut value.data, table.data) {
        // A table in it was there first; its own header comes only now.
        (Data::Table(inner), Data::Table(entries)) if inner.kind == Kind::Implied => {
            inner.kind = Kind::Header;
            value.span = table.span;
            for (key, value) in entries.entries {
                match inner.get(&key.text) {
                    Some((first, _)) => return Err(Mistake::repeated(&key, first.span)),
                    None => inner.push(key, value),
                }
            }
            Ok(())
        }
        _ => Err(Mistake::repeated(&key, first.span)),
    }
}
