//! Functions and methods.

use std::net::IpAddr;

use ipnet::IpNet;

use super::name::{only_certificate, word};
use super::{Checker, Term, all_values};
use crate::rule::diagnostic::Diagnostic;
use crate::rule::expr::{Affix, Expr, Quantifier};
use crate::rule::fact::{Fact, Fixed};
use crate::rule::literal::Literal;
use crate::rule::parse::{Ast, Ident, Node, Span};
use crate::rule::regular::Regular;
use crate::rule::suggest::did_you_mean;
use crate::rule::value::{Scalar, Type};

const FUNCTIONS: [&str; 10] =
    ["acl", "anyone", "authenticated", "cidr", "custom", "has", "nobody", "role", "size", "timestamp"];

const METHODS: [&str; 8] =
    ["all", "contains", "containsIP", "endsWith", "exists", "matches", "size", "startsWith"];

const CONTAINS_IP: &str = "write `cidr(\"10.0.0.0/8\").containsIP(request.peer_ip)`";

impl Checker<'_> {
    pub(super) fn function(
        &mut self,
        function: &Ident<'_>,
        arguments: &[Ast<'_>],
        call: &Span,
    ) -> Option<Term> {
        let name = function.text;
        match (name, arguments) {
            ("size", [argument]) => self.size(argument),
            ("size", _) => self.wrong(call, "`size` takes one list or string"),
            ("has", [argument]) => self.has(argument),
            ("has", _) => self.wrong(call, "`has` takes one name, such as `subject.CN`"),
            ("cidr", _) => {
                let diagnostic = Diagnostic::new(call.clone(), "a network alone is no condition");
                self.report(diagnostic.help(CONTAINS_IP.to_owned()))
            }
            ("role" | "custom" | "acl" | "timestamp", [Ast { node: Node::Str(text), span }]) => {
                self.about_text(name, text, span, call)
            }
            ("role" | "custom" | "acl" | "timestamp", _) => {
                self.wrong(call, format!("`{name}` takes one string that is written out"))
            }
            (_, []) if word(name).is_some() => self.bare(function),
            _ if word(name).is_some() => self.wrong(call, format!("`{name}` takes nothing")),
            _ => {
                let message = format!("`{name}` is no function of the language");
                let help = if METHODS.contains(&name) {
                    Some(format!("write `x.{name}(..)`"))
                } else {
                    did_you_mean(name, FUNCTIONS, "")
                };
                self.report(Diagnostic::new(function.span.clone(), message).help(help))
            }
        }
    }

    /// The functions whose argument is a string that is written out.
    fn about_text(&mut self, function: &str, text: &str, span: &Span, call: &Span) -> Option<Term> {
        if self.environment.certificate_only && function != "timestamp" {
            return self.known(Err(only_certificate(&format!("{function}(..)"))), call);
        }
        let condition = |expr| Some(Term { expr, term_type: Type::BOOL });
        match function {
            "role" => {
                let known = self.environment.role(text);
                let index = self.known(known, span)?;
                condition(Expr::Role { name: text.into(), index })
            }
            "custom" => {
                let known = self.environment.custom(text);
                condition(Expr::Custom(self.known(known, span)?))
            }
            "acl" => {
                let known = self.environment.inside_resource("acl(..)");
                self.known(known, call)?;
                if text.is_empty() {
                    return self.wrong(span, "a permission has a name");
                }
                condition(Expr::Acl(text.into()))
            }
            _ => match Literal::timestamp(text) {
                Ok(literal) => {
                    Some(Term { expr: Expr::Literal(literal), term_type: Type::One(Scalar::Timestamp) })
                }
                Err(message) => {
                    let help = "write it as in `2027-01-31T00:00:00Z`".to_owned();
                    self.report(Diagnostic::new(span.clone(), message).help(help))
                }
            },
        }
    }

    pub(super) fn method(
        &mut self,
        receiver: &Ast<'_>,
        function: &Ident<'_>,
        arguments: &[Ast<'_>],
        call: &Span,
    ) -> Option<Term> {
        match function.text {
            "startsWith" => self.affix(Affix::StartsWith, receiver, arguments, call),
            "endsWith" => self.affix(Affix::EndsWith, receiver, arguments, call),
            "contains" => self.affix(Affix::Contains, receiver, arguments, call),
            "matches" => self.matches(receiver, arguments, call),
            "exists" => self.quantified(Quantifier::Exists, receiver, arguments, call),
            "all" => self.quantified(Quantifier::All, receiver, arguments, call),
            "containsIP" => self.contains_ip(receiver, arguments, call),
            "size" => match arguments {
                [] => self.size(receiver),
                _ => self.wrong(call, "`size` takes nothing in its parentheses here"),
            },
            name => {
                let message = format!("`{name}` is no method of the language");
                let help = if FUNCTIONS.contains(&name) {
                    Some(format!("write `{name}(..)`"))
                } else {
                    did_you_mean(name, METHODS, "")
                };
                self.report(Diagnostic::new(function.span.clone(), message).help(help))
            }
        }
    }

    /// A string, or its mistake told.
    fn string(&mut self, ast: &Ast<'_>, asked: &str) -> Option<Expr> {
        let Term { expr, term_type } = self.term(ast)?;
        if term_type == Type::STRING {
            return Some(expr);
        }
        let help = match term_type {
            Type::List(_) => Some(format!("ask each: `list.exists(x, x.{asked}(..))`")),
            Type::One(_) => None,
        };
        let message = format!("`{asked}` works with strings, and this is {term_type}");
        self.report(Diagnostic::new(ast.span.clone(), message).help(help))
    }

    fn affix(
        &mut self,
        affix: Affix,
        receiver: &Ast<'_>,
        arguments: &[Ast<'_>],
        call: &Span,
    ) -> Option<Term> {
        let word = affix.word();
        let text = self.string(receiver, word);
        let [argument] = arguments else {
            return self.wrong(call, format!("`{word}` takes one string"));
        };
        let part = self.string(argument, word)?;
        if part == Expr::Literal(Literal::Str("".into())) {
            return self.wrong(&argument.span, "an empty string is part of every string");
        }
        Some(Term { expr: Expr::Affix(affix, Box::new([text?, part])), term_type: Type::BOOL })
    }

    fn matches(&mut self, receiver: &Ast<'_>, arguments: &[Ast<'_>], call: &Span) -> Option<Term> {
        let text = self.string(receiver, "matches");
        let [Ast { node: Node::Str(regular), span }] = arguments else {
            return self.wrong(call, "`matches` takes one regular expression that is written out");
        };
        if regular.is_empty() {
            return self.wrong(span, "an empty regular expression fits every string");
        }
        match Regular::new(regular) {
            Ok(regular) => {
                Some(Term { expr: Expr::Matches(regular, Box::new(text?)), term_type: Type::BOOL })
            }
            Err(reason) => self.wrong(span, format!("this regular expression does not compile: {reason}")),
        }
    }

    fn contains_ip(&mut self, receiver: &Ast<'_>, arguments: &[Ast<'_>], call: &Span) -> Option<Term> {
        let network = match &receiver.node {
            Node::Call { receiver: None, function: Ident { text: "cidr", .. }, arguments } => {
                arguments.as_slice()
            }
            _ => &[],
        };
        let ([Ast { node: Node::Str(text), span }], [address]) = (network, arguments) else {
            let diagnostic =
                Diagnostic::new(call.clone(), "`containsIP` asks whether an address is in a network");
            return self.report(diagnostic.help(CONTAINS_IP.to_owned()));
        };
        let network = match network_of(text) {
            Ok(network) => Some(network),
            Err((message, help)) => self.report(Diagnostic::new(span.clone(), message).help(help)),
        };
        let Term { expr, term_type } = self.term(address)?;
        if term_type != Type::One(Scalar::Ip) {
            let message = format!("`containsIP` takes an IP address, and this is {term_type}");
            let help = "write `request.peer_ip`, or ask each of `san.ip` with `exists`".to_owned();
            return self.report(Diagnostic::new(address.span.clone(), message).help(help));
        }
        Some(Term { expr: Expr::ContainsIp(network?, Box::new(expr)), term_type: Type::BOOL })
    }

    fn size(&mut self, ast: &Ast<'_>) -> Option<Term> {
        let Term { expr, term_type } = self.term(ast)?;
        match term_type {
            Type::STRING | Type::List(_) => {
                Some(Term { expr: Expr::Size(Box::new(expr)), term_type: Type::INT })
            }
            Type::One(_) => {
                self.wrong(&ast.span, format!("`size` counts a list or a string, and this is {term_type}"))
            }
        }
    }

    fn has(&mut self, ast: &Ast<'_>) -> Option<Term> {
        if !matches!(ast.node, Node::Field(..)) {
            return self.wrong(&ast.span, "`has` asks for a name with a field, such as `subject.CN`");
        }
        let fact = self.fact(ast)?;
        if fact.may_be_absent() {
            return Some(Term { expr: Expr::Has(fact), term_type: Type::BOOL });
        }
        let help = match &fact {
            Fact::Attributes(party, attribute) => {
                let one = Fact::Attribute(*party, attribute.clone());
                format!("ask `has({one})`")
            }
            Fact::Fixed(Fixed::PrincipalName) => "ask `authenticated`".into(),
            list if matches!(list.fact_type(), Type::List(_)) => format!("ask `size({list}) > 0`"),
            _ => "leave it out".into(),
        };
        self.report(Diagnostic::new(ast.span.clone(), format!("`{fact}` is always there")).help(help))
    }

    /// For the error of something that is asked of one value and needs a list.
    pub(super) fn no_list(&mut self, asked: &str, term: &Term, span: &Span) -> Option<Term> {
        let message = format!("`{asked}` looks into a list, and this is {}", term.term_type);
        let help = all_values(&term.expr).or_else(|| match term.term_type {
            Type::STRING if asked == "in" => Some("for a part of a string write `x.contains(..)`".into()),
            _ => None,
        });
        self.report(Diagnostic::new(span.clone(), message).help(help))
    }
}

/// A network without bits behind its prefix; the error is the message and the advice.
fn network_of(text: &str) -> Result<IpNet, (String, Option<String>)> {
    let Ok(network) = text.parse::<IpNet>() else {
        let help = match text.parse::<IpAddr>() {
            Ok(ip) => format!("write `{}`", IpNet::from(ip)),
            Err(_) => "write an address and the length of its prefix, as in `10.0.0.0/8`".into(),
        };
        return Err((format!("`{}` is no network", text.escape_debug()), Some(help)));
    };
    if network != network.trunc() {
        let message = format!("the network `{network}` has bits behind its prefix");
        return Err((message, Some(format!("write `{}`", network.trunc()))));
    }
    if let IpNet::V6(mapped) = network
        && mapped.addr().to_ipv4_mapped().is_some()
    {
        let help = "write the IPv4 network: addresses of that form count as IPv4".to_owned();
        return Err((format!("no address is in the network `{network}`"), Some(help)));
    }
    Ok(network)
}
