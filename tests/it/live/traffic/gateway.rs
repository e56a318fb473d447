//! A gateway: a real proxy, and what an ingress controller does with it. It watches the objects of a namespace and gives the
//! proxy a new configuration whenever they say something new.

use std::{
    collections::BTreeMap,
    net::SocketAddrV4,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{
    StreamExt,
    stream::{BoxStream, select_all},
};
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind},
    runtime::watcher,
};
use kubectl_kruise::clock::Clock;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use super::{
    diary::Diary,
    haproxy,
    nginx::{self, GENERATION},
    pod,
    table::Table,
};
use crate::harness::{
    cluster::{Cluster, Place},
    served::Folder,
};

/// Ingress controllers gather changes before they act on them; so does this one, and is that much late.
const GATHER: Duration = Duration::from_millis(200);

/// Which proxy, which is also which kind of routes it reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Program {
    /// Reads Ingresses.
    Nginx,
    /// Reads HTTPRoutes.
    HaProxy,
}

impl Program {
    fn places(self) -> [Place; 3] {
        let routes = match self {
            Self::Nginx => "ingresses",
            Self::HaProxy => "httproutes",
        };
        ["services", "endpointslices", routes].map(Place::named)
    }

    fn configuration(self, table: &Table, listen: SocketAddrV4, generation: u64) -> String {
        match self {
            Self::Nginx => nginx::configuration(table, listen, generation),
            Self::HaProxy => haproxy::configuration(table, listen, generation),
        }
    }

    fn command(self, file: &str) -> Command {
        let mut arguments: Vec<&str> = match self {
            Self::Nginx => vec!["nginx", "-e", "stderr", "-g", "daemon off;", "-c", file],
            Self::HaProxy => vec!["haproxy", "-W", "-db", "-f", file],
        };
        // Should this process be killed, the proxy must go, too. Debian keeps both where only root's PATH looks.
        arguments.splice(0..0, ["--pdeathsig", "TERM", "--"]);
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("setpriv");
        command.args(arguments).env("PATH", path).stdin(Stdio::null());
        command
    }

    /// The signal that makes it read its configuration again.
    fn reload(self) -> &'static str {
        match self {
            Self::Nginx => "-HUP",
            Self::HaProxy => "-USR2",
        }
    }
}

pub(super) struct Gateway {
    cluster: Cluster,
    program: Program,
    pub(super) address: SocketAddrV4,
    shown: Arc<Mutex<Shown>>,
    task: JoinHandle<()>,
    proxy: Child,
    folder: Arc<Folder>,
}

/// What the proxy was given.
#[derive(Default)]
struct Shown {
    /// Each table under its generation.
    tables: BTreeMap<u64, Table>,
    /// The longest time from hearing of a change to acting on it.
    slowest: Duration,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
        signal(self.proxy.id(), "-TERM");
        let _ = self.proxy.wait();
    }
}

impl Gateway {
    /// Starts the proxy for a namespace. Called from the test itself: the proxy ends with the thread that started it.
    pub(super) async fn start(program: Program, cluster: &Cluster, diary: &Diary) -> Self {
        let folder = Arc::new(Folder::new());
        let address = pod::place().await;
        let file = folder.file("proxy.conf");
        std::fs::write(&file, program.configuration(&Table::default(), address, 0)).unwrap();
        let log = std::fs::File::create(folder.file("proxy.log")).unwrap();
        let mut proxy = program
            .command(&file.to_string_lossy())
            .current_dir(folder.file(""))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("setpriv: {error}"));
        // A proxy that cannot answer yet may not understand signals yet.
        while shown_by(address).await.is_none() {
            if let Some(status) = proxy.try_wait().unwrap() {
                let said = std::fs::read_to_string(folder.file("proxy.log")).unwrap();
                panic!(
                    "{program:?}: {status}: {said}\nboth proxies must be installed: apt-get install nginx haproxy"
                );
            }
            Clock::wall().sleep(Duration::from_millis(20)).await;
        }
        let shown = Arc::new(Mutex::new(Shown::default()));
        let controller = Controller {
            program,
            address,
            shown: Arc::clone(&shown),
            process: proxy.id(),
            folder: Arc::clone(&folder),
            diary: diary.clone(),
        };
        Self {
            cluster: cluster.clone(),
            program,
            address,
            shown,
            task: tokio::spawn(controller.run(cluster.clone())),
            proxy,
            folder,
        }
    }

    /// The number of the configuration that says what the API server says now, once there is one.
    pub(super) async fn settled(&self) -> u64 {
        loop {
            let mut objects = Vec::new();
            for place in self.program.places() {
                objects.extend(self.cluster.list(place).await.unwrap());
            }
            let table = Table::of(&objects);
            {
                let shown = self.shown.lock().unwrap();
                if let Some((generation, last)) = shown.tables.last_key_value()
                    && *last == table
                {
                    return *generation;
                }
            }
            Clock::wall().sleep(Duration::from_millis(50)).await;
        }
    }

    /// The first configuration after `from` whose table is so.
    pub(super) fn first(&self, from: u64, is: impl Fn(&Table) -> bool) -> Option<u64> {
        let shown = self.shown.lock().unwrap();
        let mut later = shown.tables.range(from + 1..);
        later
            .find(|(_, table)| is(table))
            .map(|(generation, _)| *generation)
    }

    /// The longest that it took from hearing of a change to acting on it.
    pub(super) fn slowest(&self) -> Duration {
        self.shown.lock().unwrap().slowest
    }

    /// What the proxy said, and its configuration.
    pub(super) fn story(&self) -> String {
        let read = |name| std::fs::read_to_string(self.folder.file(name)).unwrap_or_default();
        format!("{}\n{}", read("proxy.log"), read("proxy.conf"))
    }
}

/// What turns objects into configurations.
struct Controller {
    program: Program,
    address: SocketAddrV4,
    shown: Arc<Mutex<Shown>>,
    process: u32,
    folder: Arc<Folder>,
    diary: Diary,
}

impl Controller {
    async fn run(self, cluster: Cluster) {
        let places = self.program.places();
        let mut events = select_all(places.map(|place| watch(&cluster, place)));
        let mut objects = Objects::new();
        let mut missing = places.len();
        let clock = Clock::wall();
        while let Some(mut event) = events.next().await {
            let heard = clock.now();
            let gathered = clock.sleep(GATHER);
            let mut gathered = std::pin::pin!(gathered);
            loop {
                self.note(&mut objects, &mut missing, event);
                event = tokio::select! {
                    () = &mut gathered => break,
                    Some(event) = events.next() => event,
                };
            }
            if missing == 0 {
                let objects: Vec<Value> = objects.values().cloned().collect();
                self.show(Table::of(&objects)).await;
                let late = clock.now().duration_since(heard).unsigned_abs();
                let mut shown = self.shown.lock().unwrap();
                shown.slowest = shown.slowest.max(late);
            }
        }
    }

    fn note(&self, objects: &mut Objects, missing: &mut usize, (kind, event): Event) {
        match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                let mut value = serde_json::to_value(&object).unwrap();
                value["kind"] = kind.into();
                objects.insert((kind, object.name_any()), value);
            }
            Ok(watcher::Event::Delete(object)) => {
                objects.remove(&(kind, object.name_any()));
            }
            Ok(watcher::Event::Init) => objects.retain(|(of, _), _| *of != kind),
            Ok(watcher::Event::InitDone) => *missing = missing.saturating_sub(1),
            Err(error) => self.diary.note(format!("gateway: {kind}: {error}")),
        }
    }

    /// Gives the proxy a table and waits until it answers by it: a signal during a reload may be lost.
    async fn show(&self, table: Table) {
        let generation = match self.shown.lock().unwrap().tables.last_key_value() {
            Some((_, last)) if *last == table => return,
            last => last.map_or(1, |(generation, _)| generation + 1),
        };
        let text = self.program.configuration(&table, self.address, generation);
        std::fs::write(self.folder.file("proxy.conf"), text).unwrap();
        let splits: Vec<String> = table
            .rules
            .iter()
            .map(|rule| format!("{:?} {:?}", rule.tests, rule.split))
            .collect();
        let endpoints: Vec<String> = table
            .upstreams
            .iter()
            .map(|(name, endpoints)| format!("{name} {endpoints:?}"))
            .collect();
        let (splits, endpoints) = (splits.join(", "), endpoints.join(", "));
        self.diary.note(format!(
            "gateway: configuration {generation}: {splits}; {endpoints}"
        ));
        let mut looks = 0;
        while shown_by(self.address).await != Some(generation) {
            if looks % 50 == 0 {
                signal(self.process, self.program.reload());
            }
            looks += 1;
            Clock::wall().sleep(Duration::from_millis(20)).await;
        }
        self.diary
            .note(format!("gateway: configuration {generation} is in use"));
        self.shown.lock().unwrap().tables.insert(generation, table);
    }
}

/// Everything of the watched kinds.
type Objects = BTreeMap<(&'static str, String), Value>;
type Event = (&'static str, watcher::Result<watcher::Event<DynamicObject>>);

fn watch(cluster: &Cluster, place: Place) -> BoxStream<'static, Event> {
    let (group, version) = place
        .api_version
        .split_once('/')
        .unwrap_or(("", place.api_version));
    let kind = GroupVersionKind::gvk(group, version, place.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, place.plural);
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource);
    watcher(api, watcher::Config::default())
        .map(move |event| (place.kind, event))
        .boxed()
}

/// The number of the configuration by which a proxy answers; nothing when it does not.
async fn shown_by(address: SocketAddrV4) -> Option<u64> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let told = |line: &str| line.strip_prefix(GENERATION)?.strip_prefix(": ")?.parse().ok();
    answer.lines().find_map(told)
}

fn signal(process: u32, name: &str) {
    let _ = Command::new("kill").args([name, &process.to_string()]).status();
}
