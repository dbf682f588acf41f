import Foundation
import Testing

/// The articles of the guide show code that the tests beside this file compile and run.
@Suite struct GuideTests {
  static let articles = [
    "WhatAnRNNIs", "ThroughTime", "Paradigms", "OneToOne", "OneToMany", "ManyToOne", "SameLength", "DifferentLength",
    "Language", "Numbers", "Layering", "Cells", "Pitfalls", "Watching", "TheDoctor", "StartSimple",
  ]

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let catalog = root.appendingPathComponent("Sources/Unroll/Unroll.docc")

  private func read(_ url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }

  private func words(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }

  /// The blocks of an article that are of a language: what stands between ```language and ```.
  private func blocks(_ language: String, in article: String) -> [String] {
    var (blocks, lines): ([String], [Substring]?) = ([], nil)
    for line in article.split(separator: "\n", omittingEmptySubsequences: false) {
      if let open = lines {
        if line == "```" { blocks.append(open.joined(separator: "\n")) }
        lines = line == "```" ? nil : open + [line]
      } else if line == "```" + language {
        lines = []
      }
    }
    return blocks
  }

  @Test(arguments: articles) func itsCodeIsTested(article: String) throws {
    let blocks = blocks("swift", in: try read(Self.catalog.appendingPathComponent(article + ".md")))
    #expect(blocks.count >= 2)
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent(article + "Tests.swift")
    let source = words(try read(tests))
    for block in blocks {
      #expect(!words(block).isEmpty)
      #expect(source.contains(words(block)), "\(article).md shows code that no test runs:\n\(block)")
    }
  }

  /// Every article shows a picture, every picture that is shown is there, and every one that is there is shown. They
  /// stand beside the articles: so DocC finds them, and so do repository hosts.
  @Test func itsPicturesAreThere() throws {
    var shown: Set<String> = []
    for article in Self.articles {
      let text = try read(Self.catalog.appendingPathComponent(article + ".md"))
      let own = text.matches(of: /!\[[^\]]+\]\(([\w.-]+)\)/).map { String($0.1) }
      #expect(!own.isEmpty, "\(article).md shows no picture")
      shown.formUnion(own)
    }
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.catalog.path)
    #expect(shown == Set(files.filter { $0.hasSuffix(".svg") }))
    #expect(Set(files.filter { $0.hasSuffix(".md") }) == Set((Self.articles + ["Unroll"]).map { $0 + ".md" }))
  }

  @Test func theLandingPageAndTheReadmeKnowAllArticles() throws {
    let landing = try read(Self.catalog.appendingPathComponent("Unroll.md"))
    let readme = try read(Self.root.appendingPathComponent("README.md"))
    // The README's own test runs it.
    for block in blocks("swift", in: landing) { #expect(words(readme).contains(words(block))) }
    for article in Self.articles {
      #expect(landing.contains("<doc:\(article)>"))
      #expect(readme.contains("(Sources/Unroll/Unroll.docc/\(article).md)"))
    }
  }
}
