import Foundation
import Interchange
import Networks
import Tensors
import TestSupport
import Testing
import Training

extension TrainingTests {
  @Suite struct ResumeTests {
    private static let epochs = 3
    private static let updatesPerEpoch = 4
    private static var lastUpdate: Int { epochs * updatesPerEpoch }

    private func settings(_ rule: UpdateRule) -> TrainingSettings {
      TrainingSettings(
        epochs: Self.epochs, learningRate: 0.05, rule: rule, schedule: .cosine(warmUp: 3), clipping: .norm(0.5),
        earlyStopping: EarlyStopping(patience: 9, minimumImprovement: 0.01))
    }

    /// Large enough that threads share the work on the weight.
    private func objective() -> Regression {
      Regression(inputs: 130, outputs: 261, updatesPerEpoch: Self.updatesPerEpoch)
    }

    /// Trains in a folder, and asks to stop after so many updates of this run.
    private func train(
      _ rule: UpdateRule, in folder: String, resuming: Bool = false, stopAfter limit: Int? = nil
    ) throws -> TrainingSummary {
      let stop = StopRequest()
      var made = 0
      var trainer = try Trainer(objective(), settings: settings(rule), folder: folder, stop: stop)
      return try trainer.run(resuming: resuming) { event in
        guard case .update = event else { return }
        made += 1
        if made == limit { stop.request() }
      }
    }

    private func checkpoint(_ folder: String, _ update: Int) -> String {
      folder + "/checkpoints/update-" + String(format: "%08d", update) + ".safetensors"
    }

    /// All that a finished training leaves, but for the times that it took.
    private func result(_ folder: String) throws -> Fingerprint {
      var result = Fingerprint()
      try result.add(checkpoint(folder, Self.lastUpdate))
      try result.add(folder + "/weights.safetensors")
      for epoch in try JSONLines(folder + "/history.jsonl").read(EpochReport.self) {
        result.texts.append("\(epoch.epoch) \(epoch.updatesDone) \(epoch.isBest) \(epoch.learningRate)")
        result.texts.append("\(epoch.trainingLoss) \(epoch.validationLoss ?? .nan) \(epoch.gradientNorm)")
      }
      return result
    }

    @Test(arguments: [UpdateRule.sgd(momentum: 0.9), .adamW()], [1, 2])
    func equalsTheUninterruptedAfterAnyUpdate(rule: UpdateRule, threads: Int) throws {
      let turn = ThreadTurn()
      defer { turn.end() }
      Threads.count = threads
      try withFolder { folder in
        #expect(try train(rule, in: folder + "/whole").reason == .finished)
        let whole = try result(folder + "/whole")
        for stop in 1...Self.lastUpdate {
          let parts = folder + "/stop-\(stop)"
          let first = try train(rule, in: parts, stopAfter: stop)
          #expect(first.updatesDone == stop)
          #expect(first.reason == .interrupted)
          let second = try train(rule, in: parts, resuming: true)
          #expect(second.reason == .finished && second.updatesDone == Self.lastUpdate)
          #expect(try result(parts) == whole, "stopped after \(stop)")
        }
        // Stopped after each update.
        let steps = folder + "/steps"
        _ = try train(rule, in: steps, stopAfter: 1)
        while try train(rule, in: steps, resuming: true, stopAfter: 1).reason == .interrupted {}
        #expect(try result(steps) == whole)
      }
    }

    @Test func doesNotDependOnThreads() throws {
      let turn = ThreadTurn()
      defer { turn.end() }
      try withFolder { folder in
        var results: [Fingerprint] = []
        for threads in 1...4 {
          Threads.count = threads
          _ = try train(.adam(), in: folder + "/\(threads)")
          results.append(try result(folder + "/\(threads)"))
        }
        #expect(results.allSatisfy { $0 == results[0] })
      }
    }

    @Test func damagedCheckpointsAreSkipped() throws {
      try withFolder { folder in
        _ = try train(.adam(), in: folder + "/whole")
        let whole = try result(folder + "/whole")
        for damage in ["cut", "flipped", "empty", "foreign"] {
          let parts = folder + "/" + damage
          _ = try train(.adam(), in: parts, stopAfter: 7)
          let newest = checkpoint(parts, 7)
          var data = try Data(contentsOf: URL(fileURLWithPath: newest))
          switch damage {
          case "cut": data.removeLast(data.count / 3)
          case "flipped": data[data.count / 2] ^= 4
          case "empty": data = Data()
          default: try SafeTensors(tensors: [("weight", .ones([3]))]).write(to: newest)
          }
          if damage != "foreign" { try data.write(to: URL(fileURLWithPath: newest)) }
          var resumption: Resumption?
          var trainer = try Trainer(objective(), settings: settings(.adam()), folder: parts)
          try trainer.run(resuming: true) { if case .resumed(let event) = $0 { resumption = event } }
          #expect(resumption?.path == checkpoint(parts, 4))
          #expect(resumption?.updatesDone == 4 && resumption?.epochsDone == 1)
          #expect(resumption?.skipped.map(\.path) == [newest])
          #expect(resumption?.skipped.allSatisfy { !$0.reason.isEmpty } == true)
          #expect(try result(parts) == whole, "\(damage)")
          #expect(names(in: parts + "/checkpoints") == ["update-00000008.safetensors", "update-00000012.safetensors"])
        }
      }
    }

    @Test func aDamagedCheckpointDoesNotCountAsOneOfTwo() throws {
      try withFolder { folder in
        _ = try train(.adam(), in: folder, stopAfter: 7)
        try Data().write(to: URL(fileURLWithPath: checkpoint(folder, 7)))
        #expect(try train(.adam(), in: folder, resuming: true, stopAfter: 1).updatesDone == 5)
        #expect(names(in: folder + "/checkpoints") == ["update-00000004.safetensors", "update-00000005.safetensors"])
      }
    }

    @Test func historyBeyondTheCheckpointIsCut() throws {
      try withFolder { folder in
        _ = try train(.adam(), in: folder, stopAfter: 9)
        let history = JSONLines(folder + "/history.jsonl")
        #expect(try history.read(EpochReport.self).map(\.epoch) == [1, 2])
        // As if killed after the epoch's line and before its checkpoint.
        try history.append(try history.read(EpochReport.self)[1])
        _ = try train(.adam(), in: folder, resuming: true, stopAfter: 1)
        #expect(try history.read(EpochReport.self).map(\.epoch) == [1, 2])
        _ = try train(.adam(), in: folder, resuming: true)
        #expect(try history.read(EpochReport.self).map(\.epoch) == [1, 2, 3])
      }
    }

    @Test func strayTemporariesAreRemoved() throws {
      try withFolder { folder in
        _ = try train(.adam(), in: folder, stopAfter: 2)
        let checkpoints = folder + "/checkpoints"
        for name in [".update-00000003.safetensors.tmp", ".other.tmp", "notes.txt", ".update-x.safetensors.tmp"] {
          try Data("x".utf8).write(to: URL(fileURLWithPath: "\(checkpoints)/\(name)"))
        }
        _ = try train(.adam(), in: folder, resuming: true, stopAfter: 5)
        #expect(
          names(in: checkpoints) == [
            ".other.tmp", ".update-x.safetensors.tmp", "notes.txt", "update-00000004.safetensors",
            "update-00000007.safetensors",
          ])
      }
    }

    @Test func refusesWhatCannotBeResumed() throws {
      try withFolder { folder in
        var nothing = try Trainer(objective(), settings: settings(.adam()), folder: folder)
        let missing = unrollError { try nothing.run(resuming: true) }
        #expect(missing?.kind == .missing && missing?.place == folder)
        #expect(names(in: folder).isEmpty)
        var homeless = try Trainer(objective(), settings: settings(.adam()))
        #expect(unrollError { try homeless.run(resuming: true) }?.kind == .usage)

        _ = try train(.adam(), in: folder, stopAfter: 3)
        let newest = checkpoint(folder, 3)
        let cases: [(Regression, UpdateRule, String)] = [
          (
            Regression(inputs: 130, outputs: 261, updatesPerEpoch: 5), .adam(),
            "4 updates in an epoch, the data and settings give 5"
          ),
          (
            Regression(inputs: 131, outputs: 261), .adam(),
            "tensor weight has shape [130, 261] in the file and [131, 261]"
          ),
          (objective(), .sgd(momentum: 0.9), "mean/bias belongs to no parameter"),
        ]
        for (other, rule, message) in cases {
          var trainer = try Trainer(other, settings: settings(rule), folder: folder)
          let error = unrollError { try trainer.run(resuming: true) }
          #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
          #expect(error?.place == newest)
        }
        // A lying or unknown set of counters.
        let file = try SafeTensors.read(from: newest)
        let counters = try #require(file.metadata["training"])
        for (old, new, message) in [
          ("\"format\":1", "\"format\":2", "a checkpoint of format 2"),
          ("\"updateInEpoch\":3", "\"updateInEpoch\":9", "contradict"),
          ("\"epoch\":0", "\"epoch\":-1", "contradict"),
          ("\"units\":9", "\"units\":-9", "contradict"),
          ("\"units\":9", "\"units\":\"nine\"", "units"),
        ] {
          #expect(counters.contains(old), "\(counters)")
          for path in [newest, checkpoint(folder, 0)] {
            try SafeTensors(tensors: file.tensors, metadata: ["training": counters.replacing(old, with: new)]).write(
              to: path)
          }
          let error = unrollError { _ = try train(.adam(), in: folder, resuming: true) }
          #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        }
      }
    }
  }
}
