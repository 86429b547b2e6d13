//! Making what the topology names, or seeing that it is there.

use futures::future::try_join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ExchangeKind};

use super::fault;
use super::topology::{self, Argument, EXCHANGES, Queue};
use crate::BusError;

/// Sees to it that every exchange and queue is there. Looking needs no rights, so that a worker whose user may not
/// configure anything works where an operator has imported the definitions.
pub(super) async fn ensure(connection: &Connection) -> Result<(), BusError> {
    let queues = topology::queues();
    let looking = channel(connection).await?;
    let found = look(&looking, &queues).await;
    match found {
        Ok(()) => close(looking).await,
        // The broker has closed the channel with its answer.
        Err(error) if fault::is_missing(&error) => make(connection).await?,
        Err(error) => return Err(fault::calling(&error)),
    }
    Ok(())
}

/// Makes every exchange, queue and binding that is not there. For when a message found no way, because a lost binding
/// can't be seen by looking.
pub(super) async fn make(connection: &Connection) -> Result<(), BusError> {
    let making = channel(connection).await?;
    make_all(&making, &topology::queues()).await.map_err(|error| fault::calling(&error))?;
    tracing::info!("made millrace's exchanges and queues at RabbitMQ");
    close(making).await;
    Ok(())
}

async fn channel(connection: &Connection) -> Result<Channel, BusError> {
    connection.create_channel().await.map_err(|error| fault::calling(&error))
}

/// Closing a channel that nobody uses any more is good manners and not worth an error.
async fn close(channel: Channel) {
    let _ = channel.close(200, "done".into()).await;
}

async fn look(channel: &Channel, queues: &[Queue]) -> lapin::Result<()> {
    for exchange in EXCHANGES {
        let options = ExchangeDeclareOptions { passive: true, durable: true, ..Default::default() };
        channel.exchange_declare(exchange.into(), ExchangeKind::Topic, options, FieldTable::default()).await?;
    }
    let looks = queues.iter().map(|queue| {
        let options = QueueDeclareOptions { passive: true, durable: true, ..Default::default() };
        channel.queue_declare(queue.name.as_str().into(), options, FieldTable::default())
    });
    try_join_all(looks).await.map(drop)
}

async fn make_all(channel: &Channel, queues: &[Queue]) -> lapin::Result<()> {
    for exchange in EXCHANGES {
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        channel.exchange_declare(exchange.into(), ExchangeKind::Topic, options, FieldTable::default()).await?;
    }
    for queue in queues {
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare(queue.name.as_str().into(), options, table(&queue.arguments)).await?;
        for (exchange, key) in &queue.bindings {
            channel
                .queue_bind(
                    queue.name.as_str().into(),
                    (*exchange).into(),
                    key.as_str().into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await?;
        }
    }
    Ok(())
}

fn table(arguments: &[(&'static str, Argument)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
            Argument::Number(number) => AMQPValue::LongLongInt(*number),
            Argument::Flag(flag) => AMQPValue::Boolean(*flag),
        };
        table.insert((*name).into(), value);
    }
    table
}
