import Corpora
import Foundation
import Interchange
import Paradigms
import Tensors
import Testing
import Training

/// What every kind of model does under the same names: train, evaluate, save, load.
@Suite final class FileModelTests {
  private let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
  private let sentences = TaggerTests.sentences(60)

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private static func configuration() -> ModelConfiguration<TaggerShape> {
    var configuration = TaggerTests.configuration()
    configuration.settings.epochs = 2
    return configuration
  }

  private func weights(_ model: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(model)/weights.safetensors"))
  }

  /// Samples are held out as those of a file are; the score is of those that were held out for the test.
  @Test func trainsOnSamplesAsOnFiles() throws {
    let path = folder + "/names.txt"
    let lines = sentences.map { zip($0.words, $0.tags).map { "\($0) \($1)\n" }.joined() }
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    var epochs = 0
    let fromSamples = try Tagger.train(Self.configuration(), on: sentences, savingTo: folder + "/samples") { event in
      if case .epoch = event { epochs += 1 }
    }
    let fromFile = try Tagger.train(Self.configuration(), on: TextFiles(path: path), savingTo: folder + "/file")
    #expect(epochs == 2)
    #expect(try weights("samples") == weights("file"))
    let parts = Tagger.split(sentences, Self.configuration().shape, validation: true, test: true)
    #expect(parts.test.count == 6 && parts.validation.count == 6)
    #expect(fromFile.score == fromSamples.score)
    #expect(try fromSamples.model.evaluate(parts.test) == fromSamples.score)
    #expect(try fromSamples.model.evaluate(path) == fromFile.model.evaluate(sentences))
    // What is given is not held out anew.
    let given = try Tagger.train(
      Self.configuration(), on: parts.training, validation: parts.validation, test: [], savingTo: folder + "/given")
    #expect(given.score == nil)
    #expect(try weights("given") == weights("samples"))
  }

  @Test func saveAndLoadKeepTheModel() throws {
    let model = try Tagger.train(Self.configuration(), on: sentences).model
    try model.save(to: folder + "/a")
    let same = try Tagger.load(from: folder + "/a")
    #expect(try same.evaluate(sentences) == model.evaluate(sentences) && same.configuration == model.configuration)
    let taken = #expect(throws: UnrollError.self) { try model.save(to: self.folder + "/a") }
    #expect(taken?.message == "the folder holds a model already")
    let missing = #expect(throws: UnrollError.self) { try Tagger.load(from: self.folder + "/b") }
    #expect(missing?.kind == .missing)
    let other = #expect(throws: UnrollError.self) { try Classifier.load(from: self.folder + "/a") }
    #expect(other?.message == "this is a model of the paradigm `tag`, not `classify`")
  }

  @Test func whatCannotBeReadIsThrownOrLeftOut() throws {
    let path = folder + "/others.txt"
    try "We O\n\non CITY\n\non O\n".write(toFile: path, atomically: true, encoding: .utf8)
    let model = try Tagger.train(Self.configuration(), on: sentences).model
    let unknown = #expect(throws: UnrollError.self) { try model.evaluate(path) }
    #expect(unknown?.message.contains("no tag `CITY`") == true && unknown?.place == path + ":3")
    #expect(throws: UnrollError.self) { try model.evaluate([TaggedSentence(words: ["on"], tags: ["CITY"])]) }
    var bad = BadLines(skips: true)
    #expect(try model.evaluate(path, &bad).sentences == 2)
    #expect(bad.skipped.count == 1)
    #expect(throws: UnrollError.self) { try Tagger.train(Self.configuration(), on: [], savingTo: nil) }
  }
}
