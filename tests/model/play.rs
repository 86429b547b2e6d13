//! What happens: a random step after the other, in the world and in the model.

use std::collections::BTreeSet;

use messages::{Decision, Envelope, IngestDiscardRequested, IngestReleaseRequested, IngestRequested, LoadId};

use crate::compare;
use crate::files::{Kind, URIS, Version, moment};
use crate::ledger::Model;
use crate::moments::Moments;
use crate::predict;
use crate::script::Fault;
use crate::world::World;

/// More messages than that are worked off before others come.
const CROWDED: usize = 12;

pub struct Play {
    world: World,
    model: Model,
    moments: Moments,
    versions: u64,
    /// What the watcher has said so far.
    watched: Vec<Envelope>,
    /// Commands and decisions that were made and not sent yet: they come late, after newer ones.
    held: Vec<Envelope>,
    /// The steps so far, for whoever must understand a failure.
    story: Vec<String>,
}

impl Play {
    pub async fn new() -> Self {
        Self {
            world: World::new().await,
            model: Model::default(),
            moments: Moments::new(),
            versions: 0,
            watched: Vec::new(),
            held: Vec::new(),
            story: Vec::new(),
        }
    }

    pub async fn step(&mut self, step: u64) {
        let crowded = self.model.queue.len() > CROWDED;
        let what = match self.moments.below(100) {
            0..8 if !crowded => self.drop_file().await,
            8..12 if !crowded => self.announce_again().await,
            12..24 if !crowded => self.ask().await,
            24..34 if !crowded => self.send_held().await,
            34..38 => self.settle_dead().await,
            38..40 => self.restart().await,
            40..48 if !crowded => self.decide().await,
            _ if self.model.queue.is_empty() => self.drop_file().await,
            _ => self.deliver(true).await,
        };
        self.story.push(format!("{step}: {what}"));
        compare::step(&self.world, &self.model, &self.story).await;
    }

    /// Works off all that is there, without any more faults, and compares everything.
    pub async fn finish(&mut self) {
        while !self.held.is_empty() {
            self.send_held().await;
        }
        while !self.model.queue.is_empty() {
            let what = self.deliver(false).await;
            self.story.push(what);
        }
        compare::step(&self.world, &self.model, &self.story).await;
        compare::everything(&self.world, &self.model, &self.story).await;
        eprintln!("{}", self.model.summary());
    }

    fn pick<'a, T>(moments: &mut Moments, of: &'a [T]) -> Option<&'a T> {
        (!of.is_empty()).then(|| &of[moments.below(of.len() as u64) as usize])
    }

    async fn publish(&mut self, envelope: &Envelope) {
        self.world.bus().publish(envelope).await.unwrap();
        self.model.publish(envelope.id, envelope.message.clone());
    }

    /// A new content at a path that may have had others, newer than all or, as from a backup, older than some.
    async fn drop_file(&mut self) -> String {
        let uri = URIS[self.moments.below(URIS.len() as u64) as usize];
        self.versions += 1;
        let minutes = if self.moments.below(4) == 0 { self.moments.below(self.versions) } else { self.versions };
        let version = Version {
            number: self.versions,
            rows: 1 + self.moments.below(5),
            kind: match self.moments.below(10) {
                0 | 1 => Kind::Bad,
                2 | 3 => Kind::Odd,
                4 => Kind::Narrow,
                _ => Kind::Good,
            },
            // No two contents are of one moment.
            modified_at: moment(minutes) + chrono::TimeDelta::milliseconds(self.versions as i64),
        };
        let what = format!("{uri} is {version:?}");
        let announcement = self.world.write(uri, &version);
        self.model.folder.insert(uri.into(), version);
        self.watched.push(announcement.clone());
        // The watcher may be late, and come to it with a rescan.
        if self.moments.below(5) > 0 {
            self.publish(&announcement).await;
        }
        what
    }

    async fn announce_again(&mut self) -> String {
        let Some(envelope) = Self::pick(&mut self.moments, &self.watched).cloned() else { return "nothing".into() };
        self.publish(&envelope).await;
        format!("{} is announced again", envelope.load_id())
    }

    /// A run over many files, as of a moment that is newer or older than what was loaded.
    async fn ask(&mut self) -> String {
        let load_id = LoadId::new(format!("dag::run {}", self.moments.below(3))).unwrap();
        let there: Vec<String> = self.model.folder.keys().cloned().collect();
        let (mut sources, mut files) = (Vec::new(), Vec::new());
        match self.moments.below(4) {
            0 => sources.push("parts".to_owned()),
            1 => sources.push("moves".to_owned()),
            2 => files = there.into_iter().filter(|_| self.moments.below(3) == 0).collect(),
            _ => {}
        }
        let as_of = Some(moment(self.moments.below(2 * self.versions.max(1))));
        let envelope = Envelope::new("model", IngestRequested { load_id, sources, files, as_of });
        let what = format!("asked: {} {:?}", envelope.id, envelope.message);
        if self.moments.below(3) == 0 {
            self.held.push(envelope);
            return format!("{what}, sent later");
        }
        self.publish(&envelope).await;
        what
    }

    /// Somebody decides about a load, mostly about one that is held back. It may come too late, or twice.
    async fn decide(&mut self) -> String {
        let known: BTreeSet<LoadId> = self.model.lines.iter().map(|line| line.load_id.clone()).collect();
        let is_any = self.moments.below(8) == 0;
        let loads: Vec<LoadId> =
            known.into_iter().filter(|load_id| is_any || self.model.held(load_id).is_some()).collect();
        let Some(load_id) = Self::pick(&mut self.moments, &loads).cloned() else { return "nothing".into() };
        let decision = Decision { load_id, decided_by: "jane".into(), reason: "the model".into() };
        let envelope = match self.moments.below(3) {
            0 => Envelope::new("model", IngestDiscardRequested(decision)),
            _ => Envelope::new("model", IngestReleaseRequested(decision)),
        };
        self.model.asked.insert(envelope.id, self.model.clock);
        let what = format!("decided: {} {:?}", envelope.id, envelope.message);
        if self.moments.below(4) == 0 {
            self.held.push(envelope);
            return format!("{what}, sent later");
        }
        self.publish(&envelope).await;
        what
    }

    async fn send_held(&mut self) -> String {
        if self.held.is_empty() {
            return "nothing".into();
        }
        let at = self.moments.below(self.held.len() as u64) as usize;
        let envelope = self.held.remove(at);
        self.publish(&envelope).await;
        format!("{} is sent at last", envelope.id)
    }

    async fn settle_dead(&mut self) -> String {
        let letters = self.world.bus().dead(None, 1_000).await.unwrap();
        let Some(letter) = Self::pick(&mut self.moments, &letters) else { return "nothing".into() };
        let (dead_id, id) = (vec![letter.dead_id.clone()], letter.message_id.unwrap());
        if self.moments.below(4) > 0 {
            assert_eq!(self.world.bus().replay(&dead_id).await.unwrap(), dead_id);
            self.model.replay(id);
            return format!("{id} is replayed");
        }
        assert_eq!(self.world.bus().purge(&dead_id).await.unwrap(), dead_id);
        self.model.purge(id);
        format!("{id} is purged")
    }

    async fn restart(&mut self) -> String {
        self.world.reopen().await;
        "restarted".into()
    }

    fn fault(&mut self) -> Fault {
        match self.moments.below(10) {
            0..4 => Fault::Crash { act: self.moments.below(4) as usize, after: self.moments.below(2) == 0 },
            4 => Fault::WarehouseAway,
            5 => Fault::BusAway,
            6 => Fault::ConfirmationLost,
            _ => Fault::Nothing,
        }
    }

    /// The next message, or one behind it, is handled as far as the fault allows.
    async fn deliver(&mut self, faults: bool) -> String {
        if self.model.queue.is_empty() {
            return "nothing".into();
        }
        let fault = if faults { self.fault() } else { Fault::Nothing };
        let skip = self.moments.below(self.model.queue.len().min(4) as u64) as u16;
        let delivered = self.world.deliver(skip, fault).await;
        let at = self.model.handed_out(delivered.id, delivered.attempt);
        let sent = self.model.queue[at].clone();
        let acts = predict::acts(&self.model, &sent, fault);
        let what = format!("{} {:?}, {fault:?}: {:?}", sent.id, sent.message, delivered.seen);
        let predicted: Vec<_> = acts.iter().map(predict::Act::seen).collect();
        let happened = delivered.seen.len();
        let as_predicted =
            if delivered.crashed { predicted.starts_with(&delivered.seen) } else { predicted == delivered.seen };
        assert!(as_predicted, "predicted {predicted:?}, but {what}\n{}", self.story.join("\n"));
        for act in acts.into_iter().take(happened) {
            self.model.happened(at, act);
        }
        what
    }
}
