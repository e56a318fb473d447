//! Releases under load: no request fails, every share is as the step says, and header rules are exact.

use serde_json::{Value, json};

use super::{
    gateway::Program,
    load::Who::{self, Anybody, Asking, Insider, Numbered, Outsider, Unwilling, Willing},
    stage::Stage,
};

const ALL: &[Who] = &[Anybody, Insider, Outsider];

fn everybody(percent: u32) -> [(Who, u32); 3] {
    [(Anybody, percent), (Insider, percent), (Outsider, percent)]
}

fn insiders() -> Value {
    json!([{ "headers": [{ "name": "x-group", "type": "Exact", "value": "insider" }] }])
}

macro_rules! tests {
    ($($test:ident: $play:ident, $name:literal, $program:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "needs the control plane, nginx and haproxy; run with -- --ignored live"]
        async fn $test() {
            for attempt in 1..=3 {
                if $play(&format!("{}-{attempt}", $name), Program::$program).await {
                    return;
                }
            }
            panic!("the proxy was late three times: this machine is too slow to tell");
        }
    )*};
}

tests! {
    live_traffic_by_weight_behind_nginx: canary_by_weight, "traffic-weight", Nginx;
    live_traffic_by_header_behind_nginx: canary_by_header, "traffic-header", Nginx;
    live_traffic_by_header_behind_haproxy: canary_by_header, "traffic-route", HaProxy;
    live_traffic_by_pattern_and_cookie_behind_nginx: canary_by_pattern_and_cookie, "traffic-cookie", Nginx;
    live_traffic_by_pattern_cookie_and_query_behind_haproxy: canary_by_several_matches, "traffic-matches", HaProxy;
    live_traffic_blue_green_behind_nginx: blue_green, "traffic-blue-green", Nginx;
    live_traffic_partition_behind_nginx: partition, "traffic-partition", Nginx;
    live_traffic_turns_behind_nginx: turns, "traffic-turns", Nginx;
}

/// Up in two steps, scaled up and down on the way, to the end; then the next version, and back.
async fn canary_by_weight(name: &str, program: Program) -> bool {
    let strategy = json!({ "canary": { "enableExtraWorkloadForCanary": true, "steps": [
        { "replicas": 1, "traffic": "20%", "pause": {} },
        { "replicas": "50%", "traffic": "60%", "pause": {} },
        { "replicas": "100%", "traffic": "100%", "pause": { "duration": 1 } },
    ] } });
    let mut stage = Stage::set(name, program, &[Anybody], 4, strategy).await;
    stage.release("v2").await;
    stage.paused(1).await;
    stage.share("step 1", "v2", &[(Anybody, 20)]).await;
    stage.scale(6, 6).await;
    stage
        .share("step 1, scaled from 4 to 6", "v2", &[(Anybody, 20)])
        .await;
    stage.approve().await;
    stage.paused(2).await;
    stage.share("step 2", "v2", &[(Anybody, 60)]).await;
    stage.scale(3, 3).await;
    stage
        .share("step 2, scaled from 6 to 3", "v2", &[(Anybody, 60)])
        .await;
    stage.complete("v1").await;
    stage.share("completed", "v2", &[(Anybody, 100)]).await;
    stage.release("v3").await;
    stage.paused(1).await;
    stage
        .share("the next version, step 1", "v3", &[(Anybody, 20)])
        .await;
    stage.rollback("v3").await;
    stage.share("rolled back", "v2", &[(Anybody, 100)]).await;
    stage.end().await
}

/// Insiders first, then everybody.
async fn canary_by_header(name: &str, program: Program) -> bool {
    let strategy = json!({ "canary": { "enableExtraWorkloadForCanary": true, "steps": [
        { "replicas": 1, "matches": insiders(), "pause": {} },
        { "replicas": "50%", "traffic": "30%", "pause": {} },
        { "replicas": "100%", "traffic": "100%", "pause": { "duration": 1 } },
    ] } });
    let mut stage = Stage::set(name, program, ALL, 4, strategy).await;
    let exactly = [(Anybody, 0), (Insider, 100), (Outsider, 0)];
    stage.release("v2").await;
    stage.paused(1).await;
    stage.share("step 1, insiders", "v2", &exactly).await;
    stage.approve().await;
    stage.paused(2).await;
    stage.share("step 2", "v2", &everybody(30)).await;
    stage.scale(6, 6).await;
    stage
        .share("step 2, scaled from 4 to 6", "v2", &everybody(30))
        .await;
    stage.complete("v1").await;
    stage.share("completed", "v2", &everybody(100)).await;
    stage.release("v3").await;
    stage.paused(1).await;
    stage.share("the next version, step 1", "v3", &exactly).await;
    stage.rollback("v3").await;
    stage.share("rolled back", "v2", &everybody(100)).await;
    stage.end().await
}

fn numbered() -> Value {
    json!({ "headers": [{ "name": "x-group", "type": "RegularExpression", "value": "insider-[0-9]+" }] })
}

/// Who fits a pattern, then who has the cookie, then those and a share of whoever does not refuse it.
async fn canary_by_pattern_and_cookie(name: &str, program: Program) -> bool {
    let cookie = json!([{ "headers": [{ "name": "canary-by-cookie", "type": "Exact", "value": "gray" }] }]);
    let strategy = json!({ "canary": { "enableExtraWorkloadForCanary": true, "steps": [
        { "replicas": 1, "matches": [numbered()], "pause": {} },
        { "replicas": 2, "matches": cookie, "pause": {} },
        { "replicas": 2, "matches": cookie, "traffic": "30%", "pause": {} },
        { "replicas": "100%", "traffic": "100%", "pause": { "duration": 1 } },
    ] } });
    let users = &[Anybody, Insider, Numbered, Willing, Unwilling];
    let of = |shares: [u32; 5]| -> Vec<(Who, u32)> { users.iter().copied().zip(shares).collect() };
    let mut stage = Stage::set(name, program, users, 4, strategy).await;
    stage.release("v2").await;
    stage.paused(1).await;
    stage
        .share("step 1, by pattern", "v2", &of([0, 0, 100, 0, 0]))
        .await;
    stage.approve().await;
    stage.paused(2).await;
    stage
        .share("step 2, by cookie", "v2", &of([0, 0, 0, 100, 0]))
        .await;
    stage.approve().await;
    stage.paused(3).await;
    stage
        .share("step 3, by cookie and weight", "v2", &of([30, 30, 30, 100, 0]))
        .await;
    stage.complete("v1").await;
    stage.share("completed", "v2", &of([100; 5])).await;
    stage.end().await
}

/// Who fits a pattern, then whoever fits one of two matches, then a share.
async fn canary_by_several_matches(name: &str, program: Program) -> bool {
    let cookie =
        json!({ "headers": [{ "name": "cookie", "type": "RegularExpression", "value": ".*gray=always.*" }] });
    let query = json!({ "queryParams": [{ "name": "lane", "type": "Exact", "value": "gray" }] });
    let strategy = json!({ "canary": { "enableExtraWorkloadForCanary": true, "steps": [
        { "replicas": 1, "matches": [numbered()], "pause": {} },
        { "replicas": 2, "matches": [cookie, query], "pause": {} },
        { "replicas": 2, "traffic": "30%", "pause": {} },
        { "replicas": "100%", "traffic": "100%", "pause": { "duration": 1 } },
    ] } });
    let users = &[Anybody, Insider, Numbered, Willing, Unwilling, Asking];
    let of = |shares: [u32; 6]| -> Vec<(Who, u32)> { users.iter().copied().zip(shares).collect() };
    let mut stage = Stage::set(name, program, users, 4, strategy).await;
    stage.release("v2").await;
    stage.paused(1).await;
    stage
        .share("step 1, by pattern", "v2", &of([0, 0, 100, 0, 0, 0]))
        .await;
    stage.approve().await;
    stage.paused(2).await;
    stage
        .share("step 2, by cookie or query", "v2", &of([0, 0, 0, 100, 0, 100]))
        .await;
    stage.approve().await;
    stage.paused(3).await;
    stage.share("step 3", "v2", &of([30; 6])).await;
    stage.rollback("v2").await;
    stage.share("rolled back", "v1", &of([100; 6])).await;
    stage.end().await
}

/// All pods twice, then the traffic; the next version, and back at half of it.
async fn blue_green(name: &str, program: Program) -> bool {
    let strategy = json!({ "blueGreen": { "steps": [
        { "replicas": "100%", "traffic": "0%", "pause": {} },
        { "replicas": "100%", "traffic": "40%", "pause": {} },
        { "replicas": "100%", "traffic": "100%", "pause": {} },
    ] } });
    let mut stage = Stage::set(name, program, &[Anybody], 3, strategy).await;
    stage.release("v2").await;
    stage.paused(1).await;
    stage.share("step 1", "v2", &[(Anybody, 0)]).await;
    stage.approve().await;
    stage.paused(2).await;
    stage.share("step 2", "v2", &[(Anybody, 40)]).await;
    stage.approve().await;
    stage.paused(3).await;
    stage.share("step 3", "v2", &[(Anybody, 100)]).await;
    stage.complete("v1").await;
    stage.share("completed", "v2", &[(Anybody, 100)]).await;
    stage.release("v3").await;
    stage.paused(1).await;
    stage.approve().await;
    stage.paused(2).await;
    stage
        .share("the next version, step 2", "v3", &[(Anybody, 40)])
        .await;
    stage.rollback("v3").await;
    stage.share("rolled back", "v2", &[(Anybody, 100)]).await;
    stage.end().await
}

/// Old pods give way to new ones in the same Deployment; beyond half of them a step may not ask for a share.
async fn partition(name: &str, program: Program) -> bool {
    let strategy = json!({ "canary": { "steps": [
        { "replicas": "25%", "traffic": "30%", "pause": {} },
        { "replicas": "50%", "traffic": "50%", "pause": {} },
        { "replicas": "100%", "pause": { "duration": 1 } },
    ] } });
    let mut stage = Stage::set(name, program, &[Anybody], 4, strategy).await;
    stage.release("v2").await;
    stage.paused(1).await;
    stage.share("step 1", "v2", &[(Anybody, 30)]).await;
    stage.approve().await;
    stage.paused(2).await;
    stage.share("step 2", "v2", &[(Anybody, 50)]).await;
    stage.scale(6, 6).await;
    stage
        .share("step 2, scaled from 4 to 6", "v2", &[(Anybody, 50)])
        .await;
    stage.complete("v1").await;
    stage.share("completed", "v2", &[(Anybody, 100)]).await;
    stage.release("v3").await;
    stage.paused(1).await;
    stage
        .share("the next version, step 1", "v3", &[(Anybody, 30)])
        .await;
    stage.rollback("v3").await;
    stage.share("rolled back", "v2", &[(Anybody, 100)]).await;
    stage.end().await
}

/// A newer version in the middle of a release, and the Rollout deleted in the middle of the next.
async fn turns(name: &str, program: Program) -> bool {
    let strategy = json!({ "canary": { "enableExtraWorkloadForCanary": true, "steps": [
        { "replicas": 1, "traffic": "20%", "pause": {} },
        { "replicas": "50%", "traffic": "50%", "pause": {} },
        { "replicas": "100%", "traffic": "100%", "pause": {} },
    ] } });
    let mut stage = Stage::set(name, program, &[Anybody], 4, strategy).await;
    stage.release("v2").await;
    stage.paused(1).await;
    stage.approve().await;
    stage.paused(2).await;
    stage.release("v3").await;
    stage.paused(1).await;
    stage
        .share("a newer version, step 1", "v3", &[(Anybody, 20)])
        .await;
    stage
        .share("a newer version, step 1", "v2", &[(Anybody, 0)])
        .await;
    stage.delete_rollout().await;
    stage.ready(4).await;
    stage
        .share("the Rollout is deleted", "v3", &[(Anybody, 100)])
        .await;
    stage.end().await
}
