//! How often a message was tried.

use lapin::BasicProperties;

use super::headers::{ATTEMPTS, DEATHS, DELIVERIES, count};

/// The tries that a message has used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// By retries.
    pub(super) attempts: u32,
    /// By workers that died with it, or lost their connection with it.
    pub(super) deaths: u32,
}

impl Used {
    /// As the headers tell. What a foreign program wrote there counts as nothing.
    pub(super) fn of(properties: &BasicProperties) -> Self {
        let deaths = count(properties, DEATHS).saturating_add(count(properties, DELIVERIES));
        Self { attempts: count(properties, ATTEMPTS), deaths }
    }

    /// Which try this is, from 1.
    pub(super) fn attempt(self) -> u32 {
        self.attempts.saturating_add(self.deaths).saturating_add(1)
    }

    pub(super) fn retried(self) -> Self {
        Self { attempts: self.attempts.saturating_add(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::{AMQPValue, FieldTable};

    use super::*;

    fn used(headers: &[(&str, AMQPValue)]) -> Used {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert((*name).into(), value.clone());
        }
        Used::of(&BasicProperties::default().with_headers(table))
    }

    #[test]
    fn retries_and_deaths_add_up_whatever_kind_of_number_tells_of_them() {
        assert_eq!(Used::of(&BasicProperties::default()).attempt(), 1);
        let told = used(&[
            (ATTEMPTS, AMQPValue::ShortShortUInt(2)),
            (DEATHS, AMQPValue::LongInt(3)),
            // The broker's own.
            (DELIVERIES, AMQPValue::LongLongInt(4)),
        ]);
        assert_eq!((told, told.attempt()), (Used { attempts: 2, deaths: 7 }, 10));
        assert_eq!(told.retried(), Used { attempts: 3, deaths: 7 });
    }

    #[test]
    fn what_can_not_be_a_count_counts_as_nothing_and_nothing_overflows() {
        let none = used(&[(ATTEMPTS, AMQPValue::LongString("many".into())), (DELIVERIES, AMQPValue::LongInt(-1))]);
        assert_eq!(none, Used::default());
        let most = used(&[(ATTEMPTS, AMQPValue::LongLongInt(i64::MAX)), (DEATHS, AMQPValue::LongUInt(u32::MAX))]);
        assert_eq!((most.attempt(), most.retried().attempts), (u32::MAX, u32::MAX));
    }
}
