//! How the cells of a file's columns are written: what each column of the table is called in messages, and how its texts
//! are to be understood.

use crate::SourceFile;
use crate::cells::MAX_COLUMNS;
use crate::tables::columns;

/// How the cells of one column are written in one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    /// The column's name in the contract, for messages.
    pub(crate) name: &'static str,
}

/// The form of a cell beyond the table's columns.
pub(crate) static NO_FORM: Form = Form { name: "" };

/// The forms of a file's columns, in the contract's order.
pub(crate) type Forms = [Form; MAX_COLUMNS];

pub(crate) fn forms(file: &SourceFile) -> Forms {
    let columns = columns(file.table);
    std::array::from_fn(|i| Form { name: columns.get(i).map_or("", |column| column.name) })
}
