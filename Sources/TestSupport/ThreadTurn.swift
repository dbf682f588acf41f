import Foundation
import Tensors

/// A turn to say how many threads there are: their number belongs to the process, and tests run side by side.
///
///     let turn = ThreadTurn()
///     defer { turn.end() }
///     Threads.count = 3
public struct ThreadTurn {
  private static let free = DispatchSemaphore(value: 1)
  private let usual: Int

  /// Waits until nobody else has a turn. One that has must not ask for another.
  public init() {
    Self.free.wait()
    usual = Threads.count
  }

  /// Sets the number that was before, and lets others have their turn.
  public func end() {
    Threads.count = usual
    Self.free.signal()
  }
}
