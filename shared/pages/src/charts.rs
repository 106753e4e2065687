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
        let mut chart = labelled(area, 20).build_cartesian_2d(0.0..100.0, 0.0..most)?;
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
        let mut chart = labelled(area, 8).build_cartesian_2d((1..tenths.len().max(2)).into_segmented(), 0.0..most)?;
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

/// A chart with room for what both axes are called, and on the right for the last number.
fn labelled<'a, 'b>(area: &'a Drawing<'b>, right: u32) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.margin(8).margin_right(right).x_label_area_size(40).y_label_area_size(52);
    chart
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
    let mut chart = labelled(area, 24).build_cartesian_2d(0.0..most, 0.0..most)?;
    let percent = |share: &f64| format!("{:.0}%", 100.0 * share);
    mesh(&mut chart).x_label_formatter(&percent).y_label_formatter(&percent).x_desc(x).y_desc(y).draw()?;
    Ok(chart)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const TOLD: &str = "#030303";
    const COMPARED: &str = "#040404";
    const RANGE: &str = "#050505";

    /// A shape's attributes.
    type Shape<'a> = BTreeMap<&'a str, &'a str>;

    /// The shapes of a kind in a colour.
    fn shapes<'a>(svg: &'a str, kind: &str, colour: &str) -> Vec<Shape<'a>> {
        let elements = svg.split('<').filter_map(|element| element.strip_prefix(kind)?.strip_prefix(' '));
        let attributes = |element: &'a str| -> Shape<'a> {
            let parts: Vec<&str> = element.split('"').collect();
            parts.chunks_exact(2).map(|pair| (pair[0].trim().trim_end_matches('='), pair[1])).collect()
        };
        let is_in_colour = |shape: &Shape<'_>| [shape.get("fill"), shape.get("stroke")].contains(&Some(&colour));
        elements.map(attributes).filter(is_in_colour).collect()
    }

    fn number(shape: &Shape<'_>, attribute: &str) -> f64 {
        shape[attribute].parse().expect("a number")
    }

    /// The tops of bars, from left to right, and how high they are.
    fn heights(svg: &str) -> Vec<f64> {
        shapes(svg, "rect", TOLD).iter().map(|bar| number(bar, "height")).collect()
    }

    /// The middles of dots.
    fn dots(svg: &str) -> Vec<(f64, f64)> {
        shapes(svg, "circle", TOLD).iter().map(|dot| (number(dot, "cx"), number(dot, "cy"))).collect()
    }

    /// The points of lines or areas.
    fn points(svg: &str, kind: &str, colour: &str) -> Vec<Vec<(f64, f64)>> {
        let point = |pair: &str| {
            let (x, y) = pair.split_once(',').expect("two numbers");
            (x.parse().expect("a number"), y.parse().expect("a number"))
        };
        shapes(svg, kind, colour).iter().map(|line| line["points"].split_whitespace().map(point).collect()).collect()
    }

    fn is_near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1.5
    }

    fn day(day: u8) -> String {
        format!("2026-06-{day:02}")
    }

    #[test]
    fn a_distribution_has_a_bar_for_each_part_as_high_as_its_customers_are_many() {
        let svg = distribution(&[0, 5, 10, 20]);
        let [none, five, ten, twenty] = heights(&svg)[..] else { panic!("four bars: {svg}") };
        assert!(none <= 1.0 && five > 20.0, "{svg}");
        assert!(is_near(ten, 2.0 * five) && is_near(twenty, 4.0 * five), "{svg}");
        let bars = shapes(&svg, "rect", TOLD);
        assert!(bars.windows(2).all(|pair| number(&pair[0], "x") < number(&pair[1], "x")));
        assert!(heights(&distribution(&[0; 20])).iter().all(|height| *height <= 1.0), "nobody has a score");
    }

    #[test]
    fn a_history_rises_with_the_score_within_its_interval() {
        let svg = history(&[(day(1), 50.0, 30.0, 70.0), (day(8), 60.0, 40.0, 80.0), (day(15), 60.0, 60.0, 60.0)]);
        let dots = dots(&svg);
        let [first, second, third] = dots[..] else { panic!("three dots: {svg}") };
        assert!(first.0 < second.0 && is_near(third.0 - second.0, second.0 - first.0), "days are equally far apart");
        assert!(first.1 > second.1 && is_near(second.1, third.1), "up is less");
        assert_eq!(points(&svg, "polyline", TOLD), std::slice::from_ref(&dots), "the line runs from dot to dot");
        let areas = points(&svg, "polygon", RANGE);
        let [upper_1, upper_2, _, _, lower_2, lower_1] = areas.concat()[..] else { panic!("an area: {svg}") };
        assert!(
            is_near(f64::midpoint(upper_1.1, lower_1.1), first.1)
                && is_near(f64::midpoint(upper_2.1, lower_2.1), second.1)
        );
        assert_eq!(self::dots(&history(&[(day(1), 50.0, 30.0, 70.0)])).len(), 1);
        assert!(self::dots(&history(&[])).is_empty());
    }

    #[test]
    fn where_prediction_and_outcome_agree_a_dot_is_on_the_diagonal() {
        let svg = calibration(&[(0.1, 0.1), (0.2, 0.4), (0.5, 0.5)]);
        let diagonal = points(&svg, "polyline", COMPARED).concat();
        let [from, to] = diagonal[..] else { panic!("a diagonal: {svg}") };
        let on_diagonal = |x: f64| from.1 + (x - from.0) / (to.0 - from.0) * (to.1 - from.1);
        let dots = dots(&svg);
        let [low, above, high] = dots[..] else { panic!("three dots: {svg}") };
        assert!(is_near(low.1, on_diagonal(low.0)) && is_near(high.1, on_diagonal(high.0)), "{svg}");
        assert!(above.1 < on_diagonal(above.0) - 20.0, "more happened than was predicted");
        assert_eq!(points(&svg, "polyline", TOLD), [dots]);
        assert!(self::dots(&calibration(&[])).is_empty());
    }

    #[test]
    fn gains_begin_at_nothing_and_end_at_everything() {
        let svg = gains(&[(0.1, 0.5), (1.0, 1.0)]);
        let chance = points(&svg, "polyline", COMPARED).concat();
        let line = points(&svg, "polyline", TOLD).concat();
        assert_eq!((line.len(), line.first(), line.last()), (3, chance.first(), chance.last()), "{svg}");
        assert_eq!(dots(&svg), line[1..], "nothing is no finding");
        assert!(dots(&gains(&[])).is_empty());
    }

    #[test]
    fn a_lift_of_one_reaches_to_the_line_of_chance() {
        let svg = lift(&[4.0, 1.0, 0.5]);
        let [four, one, half] = heights(&svg)[..] else { panic!("three bars: {svg}") };
        assert!(is_near(four, 4.0 * one) && is_near(half, one / 2.0), "{svg}");
        let chance = points(&svg, "polyline", COMPARED).concat();
        let top = number(&shapes(&svg, "rect", TOLD)[1], "y");
        assert!(chance.iter().all(|point| is_near(point.1, top)), "{svg}");
        assert!(heights(&lift(&[])).is_empty());
    }

    #[test]
    fn over_time_what_happened_is_a_line_with_dots_and_what_was_predicted_is_dashed() {
        let svg = over_time(&[(day(1), 10.0, 12.0), (day(8), 20.0, 6.0)]);
        let dots = dots(&svg);
        let [first, second] = dots[..] else { panic!("two dots: {svg}") };
        assert!(first.1 < second.1, "12 is more than 6");
        assert_eq!(points(&svg, "polyline", TOLD), std::slice::from_ref(&dots));
        let dashes = points(&svg, "polyline", COMPARED);
        assert!(dashes.len() > 5, "{svg}");
        let (begin, end) = (dashes.concat()[0], dashes.concat()[2 * dashes.len() - 1]);
        assert!(is_near(begin.0, first.0) && begin.1 > first.1, "10 is less than 12");
        assert!(end.1 < second.1, "20 is more than 6");
        assert!(self::dots(&over_time(&[])).is_empty());
    }

    #[test]
    fn a_chart_can_be_drawn_of_nothing() {
        for svg in [distribution(&[]), history(&[]), calibration(&[]), gains(&[]), lift(&[]), over_time(&[])] {
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
            assert!(svg.contains("</text>"), "it has axes: {svg}");
            assert!(!svg.contains("NaN") && !svg.contains("style="), "{svg}");
        }
    }
}
