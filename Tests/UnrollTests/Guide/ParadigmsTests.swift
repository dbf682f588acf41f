import Foundation
import Testing
import Unroll

/// The code of the article `Paradigms`.
@Suite struct ParadigmsTests {
  @Test func manyToOne() throws {
    let names = BuiltInTasks.namesByLanguage().map { LabelledText(text: $0.name, label: $0.language) }
    var shape = ClassifierShape(.characters)
    (shape.hidden, shape.embedding) = (24, 12)
    let parts = Classifier.split(names, shape, validation: true, test: true)  // eight tenths, a tenth, a tenth

    var configuration = Classifier.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 6, learningRate: 0.01)
    let classifier = try Classifier(configuration, learningFrom: parts.training)
    let training = try ExampleTraining(
      classifier, training: parts.training.map(classifier.example(of:)),
      validation: parts.validation.map(classifier.example(of:)), folder: nil)
    try training.run()

    let accuracy = try classifier.score(parts.test.map(classifier.example(of:))).accuracy
    let answer = classifier.predict(["Nouvelle-Zélande"])[0]  // answer.label, answer.probability
    #expect(accuracy > 0.3 && !answer.label.isEmpty && answer.probability > 0.1, "\(accuracy)")
  }

  @Test func manyToManyOfAnotherLength() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let numbers = 0..<300
    let pairs = zip(
      BuiltInTasks.spelledNumbers(numbers, in: "en"), BuiltInTasks.spelledNumbers(numbers, in: "de")
    ).map { ParallelTexts.Pair(source: $0, target: $1) }
    var shape = TranslatorShape()
    (shape.hidden, shape.embedding, shape.attention, shape.merges) = (24, 12, 12, 0)
    var configuration = Translator.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 2, learningRate: 0.01)
    let translator = try Translator(configuration, learningFrom: pairs)
    try ExampleTraining(
      translator, training: pairs.map(translator.example(of:)), validation: [], folder: nil
    ).run()

    try translator.write(to: folder)
    let opened = try Translator(contentsOf: folder)
    let found = opened.translate(["two hundred ten"], by: BeamSearch(width: 3))[0]  // best first, with scores
    #expect(found == translator.translate(["two hundred ten"], by: BeamSearch(width: 3))[0] && !found.isEmpty)
    #expect(throws: UnrollError.self) { try translator.write(to: folder) }
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.score >= $1.score })
  }
}
