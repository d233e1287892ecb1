//! One decision by path: firewall, route and a role, beside a bare matchit with a bitset.

#![expect(clippy::expect_used, reason = "a benchmark whose routes do not load has nothing to measure")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use portcullis_core::policy::pattern::Pattern;
use portcullis_core::policy::table::RouteTable;
use portcullis_core::request::{Firewall, Request};

const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// How many different requests go round; few enough to stay in the caches, as on a busy server.
const HOT: usize = 64;

struct Route {
    method: &'static str,
    path: String,
    /// The roles that may pass, one bit each.
    roles: u64,
}

/// Routes of one shape, or of six that occur in services.
fn routes(count: usize, shapes: usize) -> Vec<Route> {
    let path = |number: usize| {
        let (service, item) = (number / 50, number % 50);
        match (shapes, number % 6) {
            (1, _) | (_, 0) => format!("/svc{service}/items{item}/{{id}}"),
            (_, 1) => format!("/svc{service}/items{item}"),
            (_, 2) => format!("/svc{service}/items{item}/{{id}}/edit"),
            (_, 3) => format!("/t/{{tenant}}/svc{service}x{item}"),
            (_, 4) => format!("/files{service}x{item}/{{*rest}}"),
            (_, _) => format!("/svc{service}/{{a}}/sub{item}/{{b}}"),
        }
    };
    let method = |number: usize| if number.is_multiple_of(2) { "GET" } else { "POST" };
    (0..count)
        .map(|number| Route { method: method(number), path: path(number), roles: 1 << (number % 64) })
        .collect()
}

/// A path that the pattern covers.
fn request_path(pattern: &str) -> String {
    let segment = |segment: &str| match segment {
        "{*rest}" => "a/b/c.txt".to_owned(),
        _ if segment.starts_with('{') => "12345".to_owned(),
        _ => segment.to_owned(),
    };
    pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// A request that its route allows; made beforehand, since that reads the clock.
struct Query<'a> {
    request: Request<'a>,
    roles: u64,
}

/// So many of the routes' requests, in an order in which neighbours have nothing in common.
fn queries<'a>(routes: &[Route], paths: &'a [String], count: usize) -> Vec<Query<'a>> {
    // A step that has no factor in common with the number of routes visits all of them.
    let step = (routes.len() * 618 / 1000) | 1;
    let all: Vec<_> = routes.iter().zip(paths).collect();
    (0..count.min(all.len()))
        .filter_map(|at| all.get(at * step % all.len()))
        .map(|(route, path)| Query { request: Request::new(route.method, path), roles: route.roles })
        .collect()
}

struct Portcullis {
    firewall: Firewall,
    table: RouteTable,
    roles: Vec<u64>,
}

impl Portcullis {
    fn of(routes: &[Route]) -> Self {
        let mut table = RouteTable::builder();
        for route in routes {
            let pattern = Pattern::parse(&format!("{} {}", route.method, route.path)).expect("a pattern");
            table.insert(&pattern, None).expect("no contradiction");
        }
        let roles = routes.iter().map(|route| route.roles).collect();
        Self { firewall: Firewall::strict(), table: table.build(), roles }
    }

    fn allows(&self, query: &Query<'_>) -> bool {
        let request = &query.request;
        self.firewall.check(request).is_ok()
            && self
                .table
                .find(request.method(), request.path(), None)
                .and_then(|index| self.roles.get(index.position()))
                .is_some_and(|roles| roles & query.roles != 0)
    }
}

/// One router for each method, as frameworks keep them.
struct Matchit {
    get: matchit::Router<u64>,
    post: matchit::Router<u64>,
}

impl Matchit {
    fn of(routes: &[Route]) -> Self {
        let mut routers = Self { get: matchit::Router::new(), post: matchit::Router::new() };
        for route in routes {
            let router = if route.method == "GET" { &mut routers.get } else { &mut routers.post };
            router.insert(&route.path, route.roles).expect("no contradiction");
        }
        routers
    }

    fn allows(&self, query: &Query<'_>) -> bool {
        let router = match query.request.method() {
            "GET" | "HEAD" => &self.get,
            "POST" => &self.post,
            _ => return false,
        };
        router.at(query.request.path()).is_ok_and(|found| found.value & query.roles != 0)
    }
}

fn decide(criterion: &mut Criterion) {
    for shapes in [1, 6] {
        for count in SIZES {
            let routes = routes(count, shapes);
            let paths: Vec<_> = routes.iter().map(|route| request_path(&route.path)).collect();
            let (portcullis, matchit) = (Portcullis::of(&routes), Matchit::of(&routes));
            for (kind, requests) in [("hot", HOT), ("all", count)] {
                if kind == "all" && count <= HOT {
                    continue;
                }
                let queries = queries(&routes, &paths, requests);
                assert!(queries.iter().all(|query| portcullis.allows(query) && matchit.allows(query)));
                let mut group =
                    criterion.benchmark_group(format!("decide/{shapes} shapes/{count} routes/{kind}"));
                group.throughput(Throughput::Elements(queries.len() as u64));
                group.bench_function("portcullis", |bencher| {
                    bencher
                        .iter(|| queries.iter().filter(|query| portcullis.allows(black_box(query))).count());
                });
                group.bench_function("matchit", |bencher| {
                    bencher.iter(|| queries.iter().filter(|query| matchit.allows(black_box(query))).count());
                });
                group.finish();
            }
        }
    }
}

fn load(criterion: &mut Criterion) {
    let routes = routes(100_000, 6);
    let mut group = criterion.benchmark_group("load/6 shapes/100000 routes");
    group.sample_size(10);
    group.bench_function("portcullis", |bencher| {
        bencher.iter_batched(|| (), |()| Portcullis::of(&routes), BatchSize::PerIteration);
    });
    group.bench_function("matchit", |bencher| {
        bencher.iter_batched(|| (), |()| Matchit::of(&routes), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, decide, load);
criterion_main!(benches);
