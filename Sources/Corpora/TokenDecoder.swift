import Interchange
import Tensors

/// Makes text of tokens as they come, one after the other.
///
///     var decoder = TokenDecoder(vocabulary)
///     for token in tokens { print(decoder.text(of: token), terminator: "") }
///     print(decoder.rest())
///
/// A word's text has the space before it. A byte's text comes when its character is complete; bytes that are none
/// become U+FFFD, one for each piece that cannot be the beginning of a character (Unicode, section 3.9).
public struct TokenDecoder: Sendable {
  private let vocabulary: TextVocabulary
  private var last: Int32?
  /// Bytes of a character that is not complete.
  private var pending: [UInt8] = []

  /// A decoder for a text whose last token is `last`; nil at a text's beginning or after white space.
  public init(_ vocabulary: TextVocabulary, after last: Int32? = nil) {
    (self.vocabulary, self.last) = (vocabulary, last)
  }

  /// What a token adds to the text, or makes certain of it. Traps on a number outside 0..<count.
  public mutating func text(of token: Int32) -> String {
    defer { last = token }
    switch vocabulary {
    case .characters(let vocabulary): return vocabulary.decode([token])
    case .words(let vocabulary): return vocabulary.text(of: token, after: last)
    case .subwords(let vocabulary): return vocabulary.text(of: token)
    case .graphemes(let vocabulary): return vocabulary.text(of: token)
    case .bytes(let vocabulary):
      demand(token >= 0 && token < vocabulary.count, "token \(token) of a vocabulary of \(vocabulary.count)")
      pending.append(UInt8(token))
      return complete(isAtEnd: false)
    }
  }

  /// What is left at the text's end: the bytes of a character that did not end.
  public mutating func rest() -> String { complete(isAtEnd: true) }

  private mutating func complete(isAtEnd: Bool) -> String {
    var text = String.UnicodeScalarView()
    var parser = Unicode.UTF8.ForwardParser()
    while let lead = pending.first {
      var bytes = pending.makeIterator()
      switch parser.parseScalar(from: &bytes) {
      case .valid(let encoded):
        text.append(Unicode.UTF8.decode(encoded))
        pending.removeFirst(encoded.count)
      case .error(let length):
        if !isAtEnd, length == pending.count, UTF8Scan.length(ofLead: lead) > length { return String(text) }
        text.append("\u{FFFD}")
        pending.removeFirst(length)
      case .emptyInput: return String(text)
      }
      parser = Unicode.UTF8.ForwardParser()
    }
    return String(text)
  }
}
