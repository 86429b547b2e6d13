use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn lesson() -> Lesson {
    Lesson {
        training_loads: 5,
        window_loads: 28,
        sensitivity: 4.0,
        min_change: MinChange::Share(0.1),
        weekly: false,
        except: BTreeSet::new(),
    }
}

fn day(number: i64) -> DateTime<Utc> {
    // A Monday.
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(4 + number)
}

fn points(values: &[f64]) -> Vec<Point> {
    values.iter().enumerate().map(|(at, &value)| Point { at: day(at as i64), value }).collect()
}

fn band(learned: Learned) -> (f64, f64) {
    let Learned::Usual { low, high, .. } = learned else { panic!("{learned:?}") };
    (low, high)
}

#[test]
fn it_says_how_much_is_missing_to_judge() {
    let few = points(&[100.0; 4]);
    assert_eq!(lesson().learn(&few, day(9), None), Learned::Training { have: 4, need: 5, weekday: None });
    let weekly = Lesson { weekly: true, ..lesson() };
    let learned = weekly.learn(&points(&[100.0; 10]), day(10), None);
    assert_eq!(learned, Learned::Training { have: 1, need: 3, weekday: Some(Weekday::Thu) });
}

#[test]
fn what_never_varies_may_vary_by_the_least_change() {
    assert_eq!(band(lesson().learn(&points(&[100.0; 20]), day(20), None)), (90.0, 110.0));
    let absolute = Lesson { min_change: MinChange::Absolute(0.01), ..lesson() };
    assert_eq!(band(absolute.learn(&points(&[0.0; 20]), day(20), None)), (-0.01, 0.01));
}

#[test]
fn outliers_do_not_teach() {
    let calm: Vec<f64> = (0..28).map(|at| 100.0 + f64::from(at % 5)).collect();
    let mut with = calm.clone();
    for at in [3, 9, 15, 21] {
        with[at] = 100_000.0;
    }
    let ((low, high), (low_with, high_with)) =
        (band(lesson().learn(&points(&calm), day(30), None)), band(lesson().learn(&points(&with), day(30), None)));
    assert!((low - low_with).abs() < 3.0 && (high - high_with).abs() < 3.0, "{low} {low_with} {high} {high_with}");
}

#[test]
fn a_change_that_stays_becomes_usual() {
    let mut values = vec![100.0; 28];
    values.extend([200.0; 13]);
    assert!(band(lesson().learn(&points(&values), day(50), None)).1 < 150.0);
    values.extend([200.0; 3]);
    assert!(band(lesson().learn(&points(&values), day(50), None)).0 > 150.0);
}

#[test]
fn each_weekday_has_its_own_middle() {
    let weekly = Lesson { weekly: true, ..lesson() };
    let values: Vec<f64> = (0..28).map(|at| if at % 7 >= 5 { 40.0 } else { 100.0 }).collect();
    assert_eq!(band(weekly.learn(&points(&values), day(28), None)), (90.0, 110.0));
    assert_eq!(band(weekly.learn(&points(&values), day(33), None)), (36.0, 44.0));
    // All together, the weekend is within what is usual of any day or it is not: the days can't be told apart.
    assert_eq!(band(lesson().learn(&points(&values), day(33), None)), (90.0, 110.0));
}

#[test]
fn a_share_of_few_rows_varies_by_itself() {
    let lesson = Lesson { min_change: MinChange::Absolute(0.01), ..lesson() };
    let width = |rows| band(lesson.learn(&points(&[0.1; 20]), day(20), rows)).1 - 0.1;
    // Four times the deviation of a share of a tenth.
    assert!((width(Some(100)) - 4.0 * 0.03).abs() < 1e-9);
    assert!(
        (width(Some(1_000_000)) - 0.01).abs() < 1e-9
            && (width(None) - 0.01).abs() < 1e-9
            && (width(Some(0)) - 0.01).abs() < 1e-9
    );
}

#[test]
fn exceptions_are_neither_judged_nor_learned_from() {
    let except = ["12-25", "1970-01-06"].map(|text| Day::read(text).unwrap());
    let lesson = Lesson { except: BTreeSet::from(except), ..lesson() };
    let christmas: DateTime<Utc> = "1999-12-25T08:00:00Z".parse().unwrap();
    assert_eq!(lesson.learn(&[], christmas, None), Learned::Excepted);
    // One of five is an exception.
    assert_eq!(lesson.learn(&points(&[1.0; 5]), day(9), None), Learned::Training { have: 4, need: 5, weekday: None });
    assert_eq!(["13-01", "2026-02-29", "monday", ""].map(Day::read), [None; 4]);
    assert!(Day::read("02-29").is_some());
}

proptest! {
    #[test]
    fn the_order_of_what_was_measured_does_not_matter(mut values in proptest::collection::vec(-1e6..1e6f64, 0..60), weekly: bool) {
        let lesson = Lesson { weekly, ..lesson() };
        let before = points(&values);
        let mut turned = before.clone();
        turned.reverse();
        prop_assert_eq!(lesson.learn(&before, day(99), None), lesson.learn(&turned, day(99), None));
        // And the middle lies within its band.
        if let Learned::Usual { middle, low, high, .. } = lesson.learn(&before, day(99), None) {
            prop_assert!(low <= middle && middle <= high);
        }
        values.clear();
    }

    #[test]
    fn less_than_half_of_outliers_never_moves_the_middle_out_of_the_rest(
        good in proptest::collection::vec(90.0..110.0f64, 15..28), bad in proptest::collection::vec(-1e9..1e9f64, 0..12),
    ) {
        let all: Vec<f64> = bad.iter().chain(&good).copied().collect();
        let Learned::Usual { middle, .. } = lesson().learn(&points(&all), day(99), None) else { panic!() };
        prop_assert!((90.0..=110.0).contains(&middle), "{}", middle);
    }
}
