import Foundation
import Interchange
import TestSupport
import Testing
import Training

extension TrainingTests {
  @Suite struct TensorBoardLogTests {
    /// Points of a tag in all files, in order.
    private func points(_ tag: String, in folder: String) throws -> [(step: Int, value: Float)] {
      try names(in: folder).flatMap { try decodedEvents("\(folder)/\($0)") }.flatMap { event in
        event.summaries.filter { $0.tag == tag }.compactMap { summary in summary.scalar.map { (event.step, $0) } }
      }
    }

    private func train(
      in folder: String, every interval: Int, resuming: Bool = false, stopAfter limit: Int? = nil
    ) throws -> [TrainingEvent] {
      let stop = StopRequest()
      let log = try TensorBoardLog(folder: folder + "/log/deep", every: interval, configuration: "# Sizes")
      var trainer = try Trainer(
        Regression(), settings: TrainingSettings(epochs: 3), folder: folder + "/model", stop: stop)
      var events: [TrainingEvent] = []
      try trainer.run(resuming: resuming) { event in
        events.append(event)
        log.record(event)
        if case .update(let update) = event, update.updatesDone == limit { stop.request() }
      }
      #expect(log.failure == nil)
      return events
    }

    @Test func everyNumberIsThere() throws {
      try withFolder { folder in
        let events = try train(in: folder, every: 1)
        let log = folder + "/log/deep"
        let updates = events.compactMap { if case .update(let update) = $0 { update } else { nil } }
        let epochs = events.compactMap { if case .epoch(let epoch) = $0 { epoch } else { nil } }
        #expect(updates.map(\.updatesDone) == Array(1...12))
        for (tag, values) in [
          ("update/loss", updates.map(\.loss)), ("update/gradient_norm", updates.map(\.gradientNorm)),
          ("update/learning_rate", updates.map { Double($0.learningRate) }),
        ] {
          #expect(try points(tag, in: log).map(\.value) == values.map { Float($0) }, "\(tag)")
          #expect(try points(tag, in: log).map(\.step) == Array(1...12), "\(tag)")
        }
        #expect(try points("epoch/training_loss", in: log).map(\.value) == epochs.map { Float($0.trainingLoss) })
        let validation = try points("epoch/validation_loss", in: log)
        #expect(validation.map(\.value) == epochs.map { Float($0.validationLoss ?? .nan) })
        #expect(validation.map(\.step) == [4, 8, 12])
        let all = try decodedEvents("\(log)/\(names(in: log)[0])")
        #expect(all.flatMap(\.summaries).filter { $0.tag == "configuration" }.map(\.text) == ["# Sizes"])
      }
    }

    @Test func someOfTheUpdatesAreWritten() throws {
      try withFolder { folder in
        _ = try train(in: folder, every: 5)
        #expect(try points("update/loss", in: folder + "/log/deep").map(\.step) == [1, 5, 10])
      }
    }

    /// What is made again after a resumption is declared void before.
    @Test func aResumedTrainingGoesOnInAFileOfItsOwn() throws {
      try withFolder { folder in
        let log = folder + "/log/deep"
        _ = try train(in: folder, every: 1, stopAfter: 6)
        let checkpoints = folder + "/model/checkpoints"
        try FileManager.default.removeItem(atPath: checkpoints + "/" + names(in: checkpoints)[1])
        _ = try train(in: folder, every: 1, resuming: true)
        #expect(names(in: log).count == 2)
        let (first, second) = (
          try decodedEvents("\(log)/\(names(in: log)[0])"), try decodedEvents("\(log)/\(names(in: log)[1])")
        )
        #expect(first.map(\.step) == [0, 0, 1, 2, 3, 4, 4, 5, 6])
        #expect(second.prefix(3).map(\.isRestart) == [false, true, false])
        #expect(second.map(\.step) == [0, 5, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 12])
      }
    }

    @Test func foldersThatCannotBeMadeAreRefused() throws {
      try withFolder { folder in
        let file = folder + "/file"
        try AtomicFile.write(Data("x".utf8), to: file)
        let error = unrollError { _ = try TensorBoardLog(folder: file + "/log") }
        #expect(error?.kind == .inputOutput)
        #expect(error?.hint?.contains("--tensorboard") == true)
      }
    }
  }
}
