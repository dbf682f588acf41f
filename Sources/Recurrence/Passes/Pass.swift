/// A rewrite of a step's graph that changes how it is computed and never what it computes.
package struct Pass: Sendable {
  package let name: String
  /// The reason for its place in the pipeline, for people.
  package let reason: String
  package let run: @Sendable (StepGraph) -> StepGraph
}

/// Which passes a plan is made with. Any subset gives the same results as stepwise evaluation.
package struct PassSet: OptionSet, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let splitConcatenations = PassSet(rawValue: 1)
  package static let stackSiblings = PassSet(rawValue: 2)
  package static let hoistStateless = PassSet(rawValue: 4)
  package static let sinkUnneeded = PassSet(rawValue: 8)
  package static let scanAffine = PassSet(rawValue: 16)
  package static let fusePointwise = PassSet(rawValue: 32)
  package static let all = PassSet(rawValue: 63)
  package static let allSubsets = (0...63).map(PassSet.init(rawValue:))

  package var description: String {
    Self.inOrder.filter { contains($0.flag) }.map(\.pass.name).joined(separator: "+")
  }

  /// The pipeline. The first two change the equations' form, so they run before an adjoint is derived; the others only
  /// place nodes, in the forward graph and in the adjoint alike.
  package static let inOrder: [(flag: PassSet, pass: Pass)] = [
    (
      .splitConcatenations,
      Pass(
        name: "split", reason: "first: W·[h, x] hides that W·x needs no state", run: SplitConcatenations.run)
    ),
    (
      .stackSiblings,
      Pass(name: "stack", reason: "after split, which makes the products that share an operand", run: StackSiblings.run)
    ),
    (
      .hoistStateless,
      Pass(
        name: "hoist", reason: "after stack, so that one large product moves, not four small ones",
        run: HoistStateless.run)
    ),
    (
      .sinkUnneeded,
      Pass(name: "sink", reason: "after hoist: what needs no state has moved already", run: SinkUnneeded.run)
    ),
    (
      .scanAffine,
      Pass(
        name: "scan", reason: "after hoist and sink: of what it recognises it places every node anew",
        run: ScanAffine.run)
    ),
    (
      .fusePointwise,
      Pass(name: "fuse", reason: "last: only nodes of one phase may share a tile", run: FusePointwise.run)
    ),
  ]

  /// Passes that rewrite equations: before an adjoint is derived.
  package static let rewrites: PassSet = [.splitConcatenations, .stackSiblings]
  /// Passes that decide where and when a node is computed.
  package static let placements: PassSet = [.hoistStateless, .sinkUnneeded, .scanAffine, .fusePointwise]
}
