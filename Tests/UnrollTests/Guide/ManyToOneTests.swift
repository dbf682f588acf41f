import Foundation
import Testing
import Unroll

/// The code of the article `ManyToOne`.
@Suite struct ManyToOneTests {
  @Test func classifier() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let names = BuiltInTasks.namesByLanguage().map { LabelledText(text: $0.name, label: $0.language) }
    var shape = ClassifierShape(.characters)
    (shape.hidden, shape.embedding) = (24, 12)
    var configuration = Classifier.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 6, learningRate: 0.01)
    let (classifier, score) = try Classifier.train(configuration, on: names)
    // score?.accuracy: of the tenth of the names that was held out for the test

    let f1 = try classifier.evaluate(names).macroF1
    let answer = classifier.predict(["Nouvelle-Zélande"])[0]  // answer.label, answer.probability, answer.probabilities

    try classifier.save(to: folder)
    let same = try Classifier.load(from: folder)
    #expect(try #require(score).accuracy > 0.3 && f1 > 0.3)
    #expect(!answer.label.isEmpty && answer.probability > 0.1)
    #expect(same.predict(["Nouvelle-Zélande"]) == [answer])
  }

  @Test func stopsAndResumes() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let (file, model) = (folder + "/names.tsv", folder + "/names")
    let lines = BuiltInTasks.namesByLanguage().prefix(400).map { "\($0.name)\t\($0.language)\nno label\n" }
    try lines.joined().write(toFile: file, atomically: true, encoding: .utf8)
    var shape = ClassifierShape(.characters)
    (shape.hidden, shape.embedding) = (8, 4)
    var configuration = Classifier.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 2, learningRate: 0.01)

    var bad = BadLines(skips: true)  // bad.skipped: what could not be read, and where
    let training = try ExampleTraining<Classifier>(configuration, on: TextFiles(path: file), savingTo: model, &bad)
    let stop = StopRequest()
    try training.run(stop: stop) { event in
      if case .epoch = event { stop.request() }
    }
    try ExampleTraining<Classifier>(resuming: model, &bad).run()  // goes on bit for bit
    #expect(bad.skipped.count == 800)
    #expect(try Classifier.load(from: model).labels.count > 1)
  }
}
