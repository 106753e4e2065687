//! What a mapping makes of a file's rows: which of them count, and which of several columns a value comes from.
//!
//! A file whose mapping says that much is read as wide rows: the columns of the table, then whatever else the mapping
//! names. All other files don't pass here.

use expansion_domain::{Id, Table};

use crate::SourceFile;
use crate::cells::{Cell, Field, Row, WIDE};
use crate::first_won::FirstWon;
use crate::issues::{Reason, Rejection};
use crate::line_items::LineItems;
use crate::mapping::{Choice, Filter, Rows};
use crate::tables::{columns, place_of};

/// What is done with each row of one file.
pub(crate) struct Shape<'f> {
    table: Table,
    /// By column of the table, where in a wide row the cells are that its value may come from.
    choices: Vec<(usize, Vec<(usize, &'f Choice)>)>,
    filters: Vec<(usize, &'f Filter)>,
    only_with: Vec<usize>,
    /// Of accounts: when they became customers by a won deal.
    first_won: Option<&'f FirstWon>,
    /// Of deals: their products.
    items: Option<&'f LineItems>,
}

impl<'f> Shape<'f> {
    /// What is to be done with the rows of `file`; `None` when they are taken as they are.
    pub(crate) fn of(file: &'f SourceFile, first_won: &'f FirstWon, items: &'f LineItems) -> Option<Self> {
        let (table, mapping) = (file.table, &*file.mapping);
        // Cells come in the order of `TableMapping::extras`.
        let mut places = columns(table).len()..WIDE;
        let mut choices = Vec::new();
        for (name, of_column) in &mapping.choices {
            let cells = of_column.iter().map_while(|choice| Some((places.next()?, choice))).collect();
            choices.extend(place_of(table, name).map(|column| (column, cells)));
        }
        let filters: Vec<_> = mapping.filters.iter().map_while(|filter| Some((places.next()?, filter))).collect();
        let only_with: Vec<_> = mapping.only_with.iter().filter_map(|name| place_of(table, name)).collect();
        let first_won = (table == Table::Customers && mapping.won_deals).then_some(first_won);
        let is_of_deals = table == Table::ExpansionOpportunities && mapping.rows == Rows::Facts;
        let items = Some(items).filter(|items| is_of_deals && !items.is_empty());
        let is_plain = choices.is_empty() && filters.is_empty() && only_with.is_empty();
        if is_plain && first_won.is_none() && items.is_none() {
            return None;
        }
        Some(Self { table, choices, filters, only_with, first_won, items })
    }

    /// Hands over what the rows of a file become. The ids of accounts that are no customers are added to `left_out`.
    pub(crate) fn deliver(
        &self,
        line: u64,
        rows: Result<&[Row<'_, WIDE>], Rejection>,
        left_out: &mut Vec<Id>,
        sink: &mut impl FnMut(u64, Result<&[Row<'_>], Rejection>),
    ) {
        let rows = match rows {
            Ok(rows) => rows,
            Err(rejection) => return sink(line, Err(rejection)),
        };
        for (line, wide) in (line..).zip(rows) {
            let mut row = std::array::from_fn(|i| wide[i]);
            self.fill(&mut row, wide);
            match (self.check(&mut row, wide), self.items) {
                (Ok(()), Some(items)) => items.with_products(&row, |rows| sink(line, Ok(rows))),
                (Ok(()), None) => sink(line, Ok(&[row])),
                (Err(rejection), _) => {
                    if self.table == Table::Customers {
                        left_out.extend(row[0].text().ok().flatten().map(|id| Id::from(&*id)));
                    }
                    sink(line, Err(rejection));
                }
            }
        }
    }

    /// Puts into each column the first of its choices that has a value.
    fn fill<'r>(&'r self, row: &mut Row<'r>, wide: &Row<'r, WIDE>) {
        for (column, choices) in &self.choices {
            let mut values = choices.iter().map(|(place, choice)| chosen(wide[*place], choice));
            row[*column] = values.find(has_value).unwrap_or(Field { cell: Cell::Missing, ..wide[*column] });
        }
    }

    /// Why a row is left out, if it is. An account with a won deal counts, since that was won.
    fn check<'r>(&'r self, row: &mut Row<'r>, wide: &Row<'r, WIDE>) -> Result<(), Rejection> {
        if let Some(column) = self.only_with.iter().find(|column| !has_value(&row[**column])) {
            let found = format!("{} is empty", columns(self.table)[*column].name);
            return Err(Rejection::new(Reason::LeftOut, found));
        }
        let mut unwanted = self.filters.iter().filter(|(place, filter)| !filter.passes(&wide[*place]));
        let won = self.first_won.and_then(|won| won.of(&row[0]));
        let decisive = match won {
            None => unwanted.next(),
            // That an account is not among those kept says nothing if it has bought.
            Some(_) => unwanted.find(|(_, filter)| !filter.keep),
        };
        if let Some((place, filter)) = decisive {
            let name = filter.columns.first().map_or("", |name| name);
            let value = wide[*place].text().ok().flatten().unwrap_or_default();
            return Err(Rejection::of_value(Reason::LeftOut, name, &value));
        }
        if let (Some(won), Some(created)) = (won, place_of(self.table, "created_at")) {
            let is_earlier = || row[created].instant().is_ok_and(|at| at.is_some_and(|at| at < won.closed_at));
            // Whoever buys again was a customer before.
            if !(won.is_of_customer && is_earlier()) {
                row[created].cell = Cell::Instant(won.closed_at);
            }
        }
        Ok(())
    }
}

/// What a cell says, by a choice; missing when the choice has no word for it.
fn chosen<'r>(field: Field<'r>, choice: &'r Choice) -> Field<'r> {
    let field = match (&choice.separator, field.cell) {
        (Some(separators), Cell::Text(text)) => {
            let is_bracket = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"');
            let first = text.split(|c| separators.contains(c)).next().unwrap_or_default();
            Field { cell: Cell::Text(first.trim_matches(is_bracket)), ..field }
        }
        _ => field,
    };
    if choice.values.is_empty() {
        return field;
    }
    let word = field.word().ok().flatten();
    let value = word.and_then(|word| choice.values.get(&*word));
    Field { cell: value.map_or(Cell::Missing, |value| Cell::Text(value)), ..field }
}

fn has_value(field: &Field<'_>) -> bool {
    // A text that is not readable is not missing: it makes a bad row where it is read.
    !matches!(field.text(), Ok(None))
}

impl Filter {
    fn passes(&self, field: &Field<'_>) -> bool {
        let word = field.word().ok().flatten().unwrap_or_default();
        self.values.iter().any(|value| *value == word) == self.keep
    }
}
