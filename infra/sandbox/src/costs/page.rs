//! The tables for people, in Markdown, and their places in the page.

use std::io::{self, Write};
use std::path::Path;

use super::bill::Bill;
use super::error::CostsError;
use super::life::Life;
use super::prices::Item;

/// The months that are worked out: paid orders.
const MONTHS: [(f64, &str); 3] = [(1_000.0, "1,000"), (100_000.0, "100,000"), (10_000_000.0, "10 million")];
/// The page.
const COSTS: &str = "infra/docs/COSTS.md";

/// The tables by the names of their places.
fn tables(bill: &Bill<'_>) -> Result<[(&'static str, String); 4], CostsError> {
    Ok([("month", month(bill)?), ("each", each(bill)?), ("counted", counted(bill)?), ("assumed", assumed(bill))])
}

/// Prints them.
pub(super) fn print(bill: &Bill<'_>, out: &mut impl Write) -> Result<(), CostsError> {
    for (_, table) in tables(bill)? {
        writeln!(out, "{table}")?;
    }
    Ok(())
}

/// Writes them into their places.
pub(super) fn write(bill: &Bill<'_>, folder: &Path) -> Result<(), CostsError> {
    replace(folder, COSTS, &tables(bill)?)
}

/// Puts each table between `<!-- costs:NAME -->` and `<!-- /costs:NAME -->`.
fn replace(folder: &Path, page: &str, tables: &[(&'static str, String)]) -> Result<(), CostsError> {
    let file = |cause: io::Error| CostsError::File { file: page.to_owned(), cause };
    let mut text = std::fs::read_to_string(folder.join(page)).map_err(file)?;
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- costs:{name} -->\n"), format!("<!-- /costs:{name} -->"));
        let place = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
        let Some((before, after)) = place else { return Err(CostsError::NoPlace { file: page.to_owned(), name }) };
        text = format!("{before}{begin}{table}{end}{after}");
    }
    std::fs::write(folder.join(page), text).map_err(file)
}

/// A month by the lines of AWS's bill, the dearest first.
fn month(bill: &Bill<'_>) -> Result<String, CostsError> {
    let standing = bill.month(0.0)?;
    let mut columns = vec![bill.by_service(&standing)];
    for (orders, _) in MONTHS {
        columns.push(bill.by_service(&bill.month(orders)?));
    }
    let mut services: Vec<_> = columns.last().into_iter().flatten().map(|(service, usd)| (service.clone(), *usd)).collect();
    // What is not deployed is no line of the bill.
    services.retain(|(_, usd)| *usd > 0.0);
    services.sort_by(|one, other| other.1.total_cmp(&one.1));
    let mut table = "| USD a month | no order |".to_owned();
    table.extend(MONTHS.map(|(_, name)| format!(" {name} orders |")));
    table += "\n|---|---:|---:|---:|---:|\n";
    for (service, _) in &services {
        row(&mut table, service, columns.iter().map(|column| usd(column.get(service).copied().unwrap_or_default())));
    }
    let totals: Vec<f64> = columns.iter().map(|column| column.values().sum()).collect();
    row(&mut table, "**all**", totals.iter().map(|total| format!("**{}**", usd(*total))));
    let per_order = totals.iter().skip(1).zip(MONTHS).map(|(total, (orders, _))| format!("{:.5}", total / orders));
    row(&mut table, "one order", std::iter::once(String::new()).chain(per_order));
    Ok(table)
}

fn row(table: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    table.extend(["| ", name, " |"]);
    table.extend(cells.map(|cell| format!(" {cell} |")));
    table.push('\n');
}

/// What one of each life uses, and a thousand cost.
fn each(bill: &Bill<'_>) -> Result<String, CostsError> {
    let mut table =
        "| what happens | for each paid order | requests | calls | read units | write units | log, KB | 1,000 cost, USD |\n\
                     |---|---:|---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for life in Life::ALL {
        let usage = bill.thousand(life)?;
        let counts = [Item::ApiRequests, Item::Invocations, Item::TableReads, Item::TableWrites];
        let counts = counts.map(|item| amount(usage.of(item) / 1000.0));
        let kilobytes = format!("{:.1}", usage.of(Item::LogGb) * 1024.0 * 1024.0 / 1000.0);
        let cells =
            [format!("{}", bill.share(life))].into_iter().chain(counts).chain([kilobytes, format!("{:.3}", bill.total(&usage))]);
        row(&mut table, life.name(), cells);
    }
    Ok(table)
}

/// How much of everything 100,000 orders use, and at which price.
fn counted(bill: &Bill<'_>) -> Result<String, CostsError> {
    let (orders, name) = MONTHS[1];
    let (standing, month) = (bill.month(0.0)?, bill.month(orders)?);
    let mut table = format!("| | no order | {name} orders | always free | USD | for |\n|---|---:|---:|---:|---:|---:|\n");
    for (item, price) in bill.prices.all() {
        let cells = [
            amount(standing.of(item)),
            amount(month.of(item)),
            price.free.to_string(),
            format!("{}", price.usd),
            thousands(f64::from(price.per)),
        ];
        row(&mut table, &format!("{}: {}", price.service, price.what), cells.into_iter());
    }
    Ok(table)
}

/// Memory and time of each function.
fn assumed(bill: &Bill<'_>) -> String {
    let mut table = "| function | memory, MB | own time of a whole core, ms |\n|---|---:|---:|\n".to_owned();
    for (function, memory) in &bill.deployed.memory_mb {
        let own = bill.prices.processor_ms(function).unwrap_or_default();
        row(&mut table, function, [memory.to_string(), own.to_string()].into_iter());
    }
    table
}

/// Dollars, as precise as anybody reads them.
fn usd(value: f64) -> String {
    if value < 0.005 {
        "0".to_owned()
    } else if value < 100.0 {
        format!("{value:.2}")
    } else {
        thousands(value)
    }
}

/// A number with a comma for each three digits.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How much there is of something: whole where it is much.
fn amount(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if value >= 100.0 {
        thousands(value)
    } else if tenths.fract() == 0.0 && (value - tenths).abs() < 0.005 {
        format!("{tenths:.0}")
    } else if value >= 1.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
