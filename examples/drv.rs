//! scratch
use kubectl_kruise::{
    clock::Clock,
    engine::driver::{self, Event, Options, Scope},
};
fn main() {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let client = kube::Client::try_default().await.unwrap();
            let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
            tokio::spawn(async move {
                while let Some(e) = rx.recv().await {
                    match e {
                        Event::Moved {
                            key,
                            at,
                            step,
                            state,
                            reason,
                            phase,
                        } => println!("{at} {key} MOVED {phase:?} {step} {state} {reason}"),
                        Event::Wrote { key, at, effect } => println!(
                            "{at} {key} WROTE {} {} {}",
                            effect.verb.method(),
                            effect.target,
                            effect.purpose
                        ),
                        e => println!("{e:?}"),
                    }
                }
            });
            let forever = std::env::args().any(|a| a == "--forever");
            let scope = Scope::Selected {
                namespace: None,
                labels: None,
            };
            println!(
                "{:?}",
                driver::drive(
                    client,
                    Clock::wall(),
                    scope,
                    Options {
                        identity: "drv".into(),
                        forever
                    },
                    tx
                )
                .await
            );
        });
}
