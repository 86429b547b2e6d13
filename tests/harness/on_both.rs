//! Cases that are run on both buses.

/// A test of each of these, on the embedded bus and on RabbitMQ.
macro_rules! on_both {
    ($module:ident: $($case:ident),+ $(,)?) => {
        mod $module {
            mod embedded {
                $(#[test]
                fn $case() {
                    crate::$module::$case(&mut crate::Mill::patient());
                })+
            }
            mod rabbitmq {
                $(#[test]
                fn $case() {
                    crate::$module::$case(&mut crate::RabbitMill::patient());
                })+
            }
        }
    };
}
