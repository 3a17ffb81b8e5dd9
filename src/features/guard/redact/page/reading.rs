//! One reading of a page: the tree that browsers make of it, and where in its text what is withheld stands.
//!
//! The parser does not say where it is. So it gets the text in pieces that end where a tag may end and begin where one may
//! begin: a tag then ends with its piece.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::Tracer;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{LocalName, TokenizerResult, local_name};

use super::super::Fault;
use super::node::{Node, Withheld};
use super::tree::Tree;
use super::wanted::Wanted;
use crate::features::guard::count::{Element, Nested as _};

/// What a page is.
#[derive(Debug)]
pub(super) struct Reading {
    /// What is withheld, in the order of the text.
    pub(super) cuts: Vec<Cut>,
    /// Where what the body holds begins, if that can be said.
    pub(super) body: Option<usize>,
    pub(super) has_banner: bool,
    /// Whether what the fields stand in was not there.
    pub(super) has_missed: bool,
    /// All that is not withheld.
    pub(super) beside: Vec<u8>,
}

/// An element that is withheld, and where in the text it stands.
#[derive(Debug)]
pub(super) struct Cut {
    /// Where its tag begins.
    pub(super) from: usize,
    /// Where its tag ends, and what it holds begins.
    pub(super) inside: usize,
    /// Where what it holds ends.
    pub(super) until: usize,
    /// It can hold nothing.
    pub(super) is_void: bool,
    node: Rc<Node>,
    withheld: Rc<Withheld>,
}

impl Cut {
    pub(super) fn element(&self) -> &Element {
        self.node.element()
    }

    /// Whether it holds the mark alone.
    pub(super) fn is_marked(&self) -> bool {
        self.withheld.is_marked(self.is_void)
    }
}

impl Reading {
    /// Reads a page; `scripting`: by a browser in which scripts run.
    pub(super) fn of(text: &str, wanted: &Wanted, scripting: bool) -> Result<Self, Fault> {
        let options = TreeBuilderOpts { scripting_enabled: scripting, ..TreeBuilderOpts::default() };
        let builder = TreeBuilder::new(Tree::new(wanted, text.len()), options);
        // A mark at the beginning is off already.
        let options = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
        let tokenizer = Tokenizer::new(Follower::new(builder, text.len()), options);
        let queue = BufferQueue::default();
        for piece in Pieces(text) {
            tokenizer.sink.begin(piece.len());
            queue.push_back(StrTendril::from(piece));
            while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
            tokenizer.sink.check()?;
        }
        tokenizer.end();
        tokenizer.sink.check()?;
        Ok(tokenizer.sink.finish())
    }
}

/// Follows what each token makes of the tree.
struct Follower<'w> {
    builder: TreeBuilder<Rc<Node>, Tree<'w>>,
    length: usize,
    /// Where the piece that is read begins, and where it ends.
    piece: Cell<usize>,
    end: Cell<usize>,
    /// Where what no token was made of begins, up to this piece.
    pending: Cell<usize>,
    /// A token was made in this piece.
    has_made: Cell<bool>,
    open: RefCell<Option<Cut>>,
    cuts: RefCell<Vec<Cut>>,
    body: Cell<Option<usize>>,
}

/// What a token is, and where it begins if that is known.
enum Made {
    Start { at: usize, name: LocalName },
    End { at: usize },
    Other,
    Eof,
}

impl<'w> Follower<'w> {
    const fn new(builder: TreeBuilder<Rc<Node>, Tree<'w>>, length: usize) -> Self {
        Self {
            builder,
            length,
            piece: Cell::new(0),
            end: Cell::new(0),
            pending: Cell::new(0),
            has_made: Cell::new(false),
            open: RefCell::new(None),
            cuts: RefCell::new(Vec::new()),
            body: Cell::new(None),
        }
    }

    /// The next piece comes, of so many bytes.
    fn begin(&self, length: usize) {
        let at = self.end.get();
        self.piece.set(at);
        self.end.set(at + length);
        if self.has_made.replace(false) {
            self.pending.set(at);
        }
    }

    fn check(&self) -> Result<(), Fault> {
        self.builder.sink.fault().map_or(Ok(()), Err)
    }

    fn finish(self) -> Reading {
        let tree = &self.builder.sink;
        Reading {
            cuts: self.cuts.take(),
            body: self.body.get(),
            has_banner: tree.has_banner(),
            has_missed: tree.has_missed(),
            beside: tree.take_beside(),
        }
    }

    /// What the token has made of the tree.
    fn follow(&self, made: &Made) {
        let tree = &self.builder.sink;
        if tree.take_begun_body() {
            self.body.set(match made {
                Made::Start { name, .. } if *name == local_name!("body") => Some(self.end.get()),
                Made::Start { at, .. } => Some(*at),
                Made::End { .. } | Made::Other | Made::Eof => None,
            });
        }
        self.close(made);
        for node in tree.take_begun() {
            self.open(node, made);
        }
        if matches!(made, Made::Eof) && tree.is_ragged() {
            tree.fail(Fault::Ragged);
        }
    }

    /// What is withheld may have ended before this token.
    fn close(&self, made: &Made) {
        let mut open = self.open.borrow_mut();
        let Some(mut cut) = open.take_if(|cut| matches!(made, Made::Eof) || !self.is_open(&cut.node)) else {
            return;
        };
        cut.until = match made {
            Made::Start { at, .. } | Made::End { at } => (*at).max(cut.inside),
            Made::Eof => self.length,
            Made::Other => return self.builder.sink.fail(Fault::Malformed),
        };
        self.cuts.borrow_mut().push(cut);
    }

    /// Something that is withheld has begun, with its own tag: what the parser makes without one stands nowhere in the text.
    fn open(&self, node: Rc<Node>, made: &Made) {
        let tree = &self.builder.sink;
        let mut open = self.open.borrow_mut();
        let (Made::Start { at, name }, Some(withheld), None) = (made, node.within(), &*open) else {
            return tree.fail(Fault::Malformed);
        };
        if **name != *node.element().name() {
            return tree.fail(Fault::Malformed);
        }
        let inside = self.end.get();
        let is_void = !self.is_open(&node);
        let cut = Cut { from: *at, inside, until: inside, is_void, node, withheld };
        if is_void {
            self.cuts.borrow_mut().push(cut);
        } else {
            *open = Some(cut);
        }
    }

    fn is_open(&self, node: &Rc<Node>) -> bool {
        let search = Search { node, found: Cell::new(false) };
        self.builder.trace_handles(&search);
        search.found.get()
    }
}

/// Looks for a node among those that are open.
struct Search<'n> {
    node: &'n Rc<Node>,
    found: Cell<bool>,
}

impl Tracer for Search<'_> {
    type Handle = Rc<Node>;

    fn trace_handle(&self, node: &Rc<Node>) {
        if Rc::ptr_eq(node, self.node) {
            self.found.set(true);
        }
    }
}

impl TokenSink for Follower<'_> {
    type Handle = Rc<Node>;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Rc<Node>> {
        let at = self.piece.get();
        let made = match &token {
            // Says nothing, and is nothing in the text.
            Token::ParseError(_) => return self.builder.process_token(token, line),
            Token::TagToken(tag) => {
                let at = if self.has_made.get() { at } else { self.pending.get() };
                match tag.kind {
                    TagKind::StartTag => Made::Start { at, name: tag.name.clone() },
                    TagKind::EndTag => Made::End { at },
                }
            }
            Token::EOFToken => Made::Eof,
            Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::CharacterTokens(_)
            | Token::NullCharacterToken => Made::Other,
        };
        self.has_made.set(true);
        let result = self.builder.process_token(token, line);
        self.follow(&made);
        result
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// The pieces of a text, each of which ends behind a `>` or before a `<`.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.0;
        let begun = usize::from(text.starts_with('<'));
        let inner = text.as_bytes().get(begun..)?;
        let end = match memchr::memchr2(b'<', b'>', inner) {
            Some(at) if inner.get(at) == Some(&b'>') => begun + at + 1,
            Some(at) => begun + at,
            None => text.len(),
        };
        let (piece, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        self.0 = rest;
        (!piece.is_empty()).then_some(piece)
    }
}
