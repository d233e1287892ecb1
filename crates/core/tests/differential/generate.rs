//! Random conditions, of the kinds that both understand.

/// Writes conditions; the same seed writes the same ones.
pub(crate) struct Generator {
    state: u64,
    variables: Vec<&'static str>,
}

const STRINGS: [&str; 19] = [
    "subject.CN",
    "subject.OU",
    "subject.O",
    "subject.L",
    "issuer.CN",
    "issuer.OU",
    "principal.name",
    "anchor.label",
    "spiffe.id",
    "spiffe.trust_domain",
    "spiffe.path",
    "request.method",
    "request.path",
    "request.host",
    "params.name",
    "(role(\"admin\") ? subject.CN : params.name)",
    "(has(spiffe.id) ? spiffe.path : principal.name)",
    "(subject.OU == \"Ops\" ? subject.OU : subject.CN)",
    "(authenticated ? principal.name : request.host)",
];
const LITERALS: [&str; 10] = [
    "\"alice\"",
    "'bob'",
    "\"a b\"",
    "\"Security\"",
    "r'Ops'",
    "\"\\u00dcbung\"",
    "\"staff\"",
    "'''a'''",
    "\"\\x61lice\"",
    "\"/ns/a\"",
];
const LISTS: [&str; 9] = [
    "subject.all.CN",
    "subject.all.OU",
    "subject.all.O",
    "subject.all.L",
    "issuer.all.CN",
    "san.dns",
    "san.email",
    "san.uri",
    "principal.roles",
];
const INTS: [&str; 7] = [
    "size(subject.CN)",
    "principal.name.size()",
    "size(san.dns)",
    "subject.all.OU.size()",
    "size(cert.eku)",
    "0x2",
    "-1",
];
const TIMES: [&str; 4] = [
    "request.time",
    "cert.not_after",
    "timestamp(\"2026-09-21T14:13:20Z\")",
    "timestamp(\"2026-09-21T16:13:21+02:00\")",
];
const EQUALITIES: [&str; 15] = [
    "request.peer_ip == \"10.1.2.3\"",
    "\"::1\" != request.peer_ip",
    "request.peer_ip in [\"10.1.2.3\", \"192.0.2.1\"]",
    "\"10.0.0.9\" in san.ip",
    "cert.serial == \"c0ffee\"",
    "cert.serial in [\"c0ffee\", \"01\"]",
    "\"clientAuth\" in cert.eku",
    "\"serverAuth\" in cert.eku",
    "\"1.2.3\" in cert.policies",
    "\"admin\" in principal.roles",
    "anchor.label == \"staff\"",
    "request.host != \"example.com\"",
    "spiffe.id == \"spiffe://td/ns/a\"",
    "cidr(\"10.0.0.0/8\").containsIP(request.peer_ip)",
    "san.ip.exists(i, cidr(\"10.0.0.0/8\").containsIP(i))",
];
const SIMPLE: [&str; 12] = [
    "role(\"admin\")",
    "role('user')",
    "role(\"suspended\")",
    "authenticated",
    "custom(\"yes\")",
    "custom(\"fails\")",
    "has(subject.L)",
    "has(spiffe.id)",
    "has(request.host)",
    "has(request.peer_ip)",
    "has(anchor.spki_sha256)",
    "anyone",
];
const REGULARS: [&str; 4] = ["r\"^a.*e$\"", "\"[a-c]+\"", "'(?i)ALICE'", "r'^[^.]+$'"];

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, variables: Vec::new() }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % limit
    }

    fn one<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn string(&mut self) -> &'static str {
        match self.variables.last().copied() {
            Some(variable) if self.below(2) == 0 => variable,
            _ => self.one(&STRINGS),
        }
    }

    /// Something of the type string that not every fact accepts.
    fn string_or_literal(&mut self) -> &'static str {
        if self.below(2) == 0 { self.string() } else { self.one(&LITERALS) }
    }

    /// Literals of facts with a form of their own stand in [`EQUALITIES`].
    fn compared(&mut self) -> (&'static str, &'static str) {
        let read = self.string();
        let forms = ["spiffe.", "request.path", "request.host", "name"];
        let formed = forms.iter().any(|form| read.starts_with(form));
        let other = if formed { self.string() } else { self.string_or_literal() };
        (read, other)
    }

    /// A condition that nests so many levels.
    pub(crate) fn condition(&mut self, levels: usize) -> String {
        if levels == 0 {
            return self.simple();
        }
        let a = self.condition(levels - 1);
        let b = self.condition(levels - 1);
        match self.below(9) {
            0 | 1 => format!("{a} && {b}"),
            2 | 3 => format!("{a} || {b}"),
            4 => format!("({a}) && ({b}) && {}", self.condition(0)),
            5 => format!("!({a}) || !({b})"),
            6 => format!("({a} ? {b} : {})", self.condition(0)),
            7 => format!("({a}) == ({b})"),
            _ => self.quantified(levels),
        }
    }

    fn quantified(&mut self, levels: usize) -> String {
        let list = self.one(&LISTS);
        let word = self.one(&["exists", "all"]);
        let names = if list.starts_with("san.") { ["name1", "name2", "name3"] } else { ["x", "y", "z"] };
        let Some(variable) = names.get(self.variables.len()) else { return self.simple() };
        self.variables.push(*variable);
        let body = self.condition(levels - 1);
        self.variables.pop();
        format!("{list}.{word}({variable}, {body})")
    }

    fn simple(&mut self) -> String {
        let equality = self.one(&["==", "!="]);
        let order = self.one(&["==", "!=", "<", "<=", ">", ">="]);
        match self.below(9) {
            0 => self.one(&SIMPLE).into(),
            1 => self.one(&EQUALITIES).into(),
            2 => {
                let (a, b) = self.compared();
                format!("{a} {equality} {b}")
            }
            3 => {
                let (a, b) = self.compared();
                format!("{a} {order} {b}")
            }
            4 => {
                let method = self.one(&["startsWith", "endsWith", "contains"]);
                format!("{}.{method}({})", self.string(), self.string_or_literal())
            }
            5 => format!("{}.matches({})", self.string(), self.one(&REGULARS)),
            6 => format!("{} in {}", self.string(), self.one(&LISTS)),
            7 => format!("{} {order} {}", self.one(&INTS[..5]), self.one(&INTS)),
            _ => format!("{} {order} {}", self.one(&TIMES[..2]), self.one(&TIMES)),
        }
    }
}
