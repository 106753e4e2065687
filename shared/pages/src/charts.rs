//! Charts as SVG, drawn by plotters. Owns: what they show and how. Must not know: where figures come from.
//!
//! Colours are names of roles rather than colours to be seen: the style sheet gives each its colour for light and dark.
//! What a chart shows is also on the page as a table, for those who cannot see it.

use std::error::Error;

use plotters::chart::MeshStyle;
use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::{RangedCoordf64, RangedCoordusize};
use plotters::prelude::*;

/// Axes and their labels.
const INK: RGBColor = RGBColor(1, 1, 1);
/// Lines that only guide the eye.
const GRID: RGBColor = RGBColor(2, 2, 2);
/// What is told.
const TOLD: RGBColor = RGBColor(3, 3, 3);
/// What it is compared with.
const COMPARED: RGBColor = RGBColor(4, 4, 4);
/// How sure it is.
const RANGE: RGBColor = RGBColor(5, 5, 5);

/// Small enough that the words can be read where the page is narrow.
const WIDTH: u32 = 480;
const HEIGHT: u32 = 230;

type Drawing<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A chart as SVG; empty should it not be possible to draw it, and the table beside it has to do.
fn draw(paint: impl FnOnce(&Drawing<'_>) -> Result<(), Box<dyn Error>>) -> String {
    let mut svg = String::new();
    let painted = {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        paint(&area).and_then(|()| Ok(area.present()?))
    };
    if let Err(error) = painted {
        tracing::error!(error.message = %error, "a chart could not be drawn");
        return String::new();
    }
    // The page's width decides, not the chart's.
    svg.replacen(&format!("width=\"{WIDTH}\" height=\"{HEIGHT}\" "), "", 1)
}

fn text() -> TextStyle<'static> {
    ("sans-serif", 14).into_font().color(&INK)
}

#[expect(clippy::cast_precision_loss, reason = "customers are far fewer than 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

/// How many customers have which score, in parts of five points.
pub(crate) fn distribution(counts: &[u64]) -> String {
    let counts: Vec<f64> = counts.iter().copied().map(number).collect();
    let most = counts.iter().copied().fold(1.0, f64::max);
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(20)
            .x_label_area_size(40)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..100.0, 0.0..most)?;
        mesh(&mut chart)
            .disable_x_mesh()
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| format!("{y:.0}"))
            .x_desc("Score")
            .y_desc("Customers")
            .draw()?;
        let bars = (0_u64..).map(|i| 5.0 * number(i)).zip(&counts).map(|(from, count)| {
            let mut bar = Rectangle::new([(from, 0.0), (from + 5.0, *count)], TOLD.filled());
            bar.set_margin(0, 0, 1, 1);
            bar
        });
        chart.draw_series(bars)?;
        Ok(())
    })
}

/// A score over time, oldest first, with its interval: `(day, score, lower, upper)`.
pub(crate) fn history(points: &[(String, f64, f64, f64)]) -> String {
    draw(|area| {
        let days: Vec<&str> = points.iter().map(|point| &*point.0).collect();
        let mut chart = over_days(area, &days, 100.0, None)?;
        let upper = points.iter().enumerate().map(|(i, point)| (i, point.3));
        let lower = points.iter().enumerate().rev().map(|(i, point)| (i, point.2));
        chart.draw_series([Polygon::new(upper.chain(lower).collect::<Vec<_>>(), RANGE.filled())])?;
        chart.draw_series(LineSeries::new(points.iter().enumerate().map(|(i, p)| (i, p.1)), TOLD.stroke_width(2)))?;
        chart.draw_series(points.iter().enumerate().map(|(i, p)| Circle::new((i, p.1), 3, TOLD.filled())))?;
        Ok(())
    })
}

/// Predicted shares beside those that happened: on the diagonal they agree.
pub(crate) fn calibration(points: &[(f64, f64)]) -> String {
    let most = points.iter().flat_map(|(predicted, observed)| [*predicted, *observed]).fold(0.1, f64::max) * 1.1;
    draw(|area| {
        let mut chart = percent_axes(area, most, "Predicted", "Happened")?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (most, most)], COMPARED.stroke_width(1)))?;
        chart.draw_series(LineSeries::new(points.iter().copied(), TOLD.stroke_width(1)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, TOLD.filled())))?;
        Ok(())
    })
}

/// The share of all expansions found among the best-ranked customers: `(share of customers, share of expansions)`.
pub(crate) fn gains(points: &[(f64, f64)]) -> String {
    draw(|area| {
        let mut chart = percent_axes(area, 1.0, "Best-ranked customers", "Expansions found")?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], COMPARED.stroke_width(1)))?;
        let line: Vec<(f64, f64)> = [(0.0, 0.0)].into_iter().chain(points.iter().copied()).collect();
        chart.draw_series(LineSeries::new(line.clone(), TOLD.stroke_width(2)))?;
        chart.draw_series(line.into_iter().skip(1).map(|point| Circle::new(point, 3, TOLD.filled())))?;
        Ok(())
    })
}

/// Lift by tenth of the customers, best first; 1 is chance.
pub(crate) fn lift(tenths: &[f64]) -> String {
    let most = tenths.iter().copied().fold(1.0, f64::max) * 1.1;
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(40)
            .y_label_area_size(52)
            .build_cartesian_2d((1..tenths.len().max(2)).into_segmented(), 0.0..most)?;
        mesh(&mut chart).disable_x_mesh().x_desc("Tenth of the customers, best first").y_desc("Lift").draw()?;
        let bars = tenths.iter().enumerate().map(|(i, lift)| {
            let ends = [(SegmentValue::Exact(i + 1), 0.0), (SegmentValue::Exact(i + 2), *lift)];
            let mut bar = Rectangle::new(ends, TOLD.filled());
            bar.set_margin(0, 0, 3, 3);
            bar
        });
        chart.draw_series(bars)?;
        let ends = [(SegmentValue::Exact(1), 1.0), (SegmentValue::Last, 1.0)];
        chart.draw_series(LineSeries::new(ends, COMPARED.stroke_width(1)))?;
        Ok(())
    })
}

/// Expansions predicted (a dashed line) and happened, by run, oldest first.
pub(crate) fn over_time(points: &[(String, f64, f64)]) -> String {
    let most = points.iter().flat_map(|point| [point.1, point.2]).fold(1.0, f64::max) * 1.1;
    draw(|area| {
        let days: Vec<&str> = points.iter().map(|point| &*point.0).collect();
        let mut chart = over_days(area, &days, most, Some("Expansions"))?;
        let predicted = points.iter().enumerate().map(|(i, point)| (i, point.1));
        let happened = || points.iter().enumerate().map(|(i, point)| (i, point.2));
        chart.draw_series(DashedLineSeries::new(predicted, 8, 6, COMPARED.stroke_width(2)))?;
        chart.draw_series(LineSeries::new(happened(), TOLD.stroke_width(2)))?;
        chart.draw_series(happened().map(|point| Circle::new(point, 3, TOLD.filled())))?;
        Ok(())
    })
}

type Axes<'a, 'b, X> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, RangedCoordf64>>;

/// What a chart's axes and the lines that guide the eye look like.
fn mesh<'a, 'm, D: DrawingBackend, X, Y>(
    chart: &'m mut ChartContext<'a, D, Cartesian2d<X, Y>>,
) -> MeshStyle<'a, 'm, X, Y, D>
where
    X: Ranged + ValueFormatter<X::ValueType>,
    Y: Ranged + ValueFormatter<Y::ValueType>,
{
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT).bold_line_style(GRID).axis_style(INK).label_style(text());
    mesh
}

/// Axes from nothing to `most` over days, which stand at equal distances.
fn over_days<'a, 'b>(
    area: &'a Drawing<'b>,
    days: &[&str],
    most: f64,
    y: Option<&str>,
) -> Result<Axes<'a, 'b, RangedCoordusize>, Box<dyn Error>> {
    let last = days.len().saturating_sub(1).max(1);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(44)
        .x_label_area_size(28)
        .y_label_area_size(if y.is_some() { 52 } else { 40 })
        .build_cartesian_2d(0..last, 0.0..most)?;
    let day = |at: &usize| days.get(*at).copied().unwrap_or_default().to_owned();
    let whole = |y: &f64| format!("{y:.0}");
    let mut mesh = mesh(&mut chart);
    mesh.disable_x_mesh().x_labels(days.len().clamp(2, 5)).x_label_formatter(&day).y_label_formatter(&whole);
    if let Some(y) = y {
        mesh.y_desc(y);
    }
    mesh.draw()?;
    drop(mesh);
    Ok(chart)
}

/// Axes from nothing to `most`, in percent.
fn percent_axes<'a, 'b>(
    area: &'a Drawing<'b>,
    most: f64,
    x: &str,
    y: &str,
) -> Result<Axes<'a, 'b, RangedCoordf64>, Box<dyn Error>> {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(40)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..most, 0.0..most)?;
    let percent = |share: &f64| format!("{:.0}%", 100.0 * share);
    mesh(&mut chart).x_label_formatter(&percent).y_label_formatter(&percent).x_desc(x).y_desc(y).draw()?;
    Ok(chart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chart_can_be_drawn_of_much_little_and_nothing() {
        let day = || "2026-06-30".to_owned();
        for svg in [
            distribution(&[0; 20]),
            distribution(&[5, 1, 0, 9]),
            history(&[(day(), 50.0, 30.0, 70.0)]),
            history(&[(day(), 50.0, 30.0, 70.0), (day(), 60.0, 40.0, 80.0)]),
            history(&[]),
            calibration(&[]),
            calibration(&[(0.1, 0.2), (0.5, 0.4)]),
            gains(&[]),
            gains(&[(0.1, 0.5), (1.0, 1.0)]),
            lift(&[]),
            lift(&[4.0, 1.0, 0.2]),
            over_time(&[]),
            over_time(&[(day(), 10.0, 12.0)]),
        ] {
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("style="), "{svg}");
        }
    }
}
