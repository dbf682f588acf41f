import Corpora
import Foundation
import Testing

struct BuiltInCorpusTests {
  @Test func namesAreLinesOfOneForm() throws {
    let text = BuiltInCorpus.names()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.last == "" && (150_000...400_000).contains(text.utf8.count))
    #expect(Set(lines).count == lines.count && lines.count > 8000)
    for line in lines.dropLast() {
      let parts = line.split(separator: ": ")
      #expect(parts.count == 2 && parts[0].split(separator: ", ").count == 2, "\(line)")
      #expect(!parts[1].contains(where: \.isNumber) && !parts[1].contains("("), "\(line)")
    }
    for expected in [
      "français, pays: Nouvelle-Zélande", "suomi, kieli: islanti", "Deutsch, Währung: Schweizer Franken",
    ] {
      #expect(lines.contains(expected[...]), "\(expected)")
    }
    #expect(CharacterVocabulary(of: PlainText(text)).count < 120)
  }

  @Test func theOrderDependsOnTheSeedAlone() {
    let names = BuiltInCorpus.names()
    #expect(BuiltInCorpus.names() == names)
    let others = BuiltInCorpus.names(seed: 2)
    #expect(others != names)
    #expect(others.split(separator: "\n").sorted() == names.split(separator: "\n").sorted())
  }

  @Test func promptsBeginManyLines() throws {
    let names = BuiltInCorpus.names()
    let vocabulary = CharacterVocabulary(of: PlainText(names))
    for prompt in BuiltInCorpus.prompts {
      #expect(names.split(separator: "\n").count { $0.hasPrefix(prompt) } > 150, "\(prompt)")
      #expect(try !vocabulary.encode(prompt).isEmpty)
    }
  }
}
