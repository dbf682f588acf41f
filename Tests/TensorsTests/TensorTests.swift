import Tensors
import Testing

@Suite struct TensorTests {
  @Test func tensorsAreValues() {
    var a = Tensor([[1, 2], [3, 4]])
    let b = a
    a[1, 0] = 9
    #expect(b[1, 0] == 3)
    #expect(a[1, 0] == 9)
    #expect(a != b)
    #expect(a.values == [1, 2, 9, 4])
  }

  @Test func emptyTensorsWork() {
    let empty = Tensor.zeros([0, 3])
    #expect((empty + 1).values.isEmpty)
    #expect(empty.sum().scalar == 0)
    #expect(matmul(empty, Tensor.ones([3, 2])).shape == [0, 2])
    #expect(matmul(Tensor.ones([2, 0]), Tensor.ones([0, 3])).values == [0, 0, 0, 0, 0, 0])
    #expect(concatenated(empty, .zeros([0, 2])).shape == [0, 5])
  }

  @Test func broadcastsFollowTheRule() {
    #expect(Shape.broadcast([2, 3], [3]) == [2, 3])
    #expect(Shape.broadcast([2, 3], [2, 1]) == [2, 3])
    #expect(Shape.broadcast([1, 3], [2, 3]) == [2, 3])
    #expect(Shape.broadcast([2, 3], []) == [2, 3])
    #expect(Shape.broadcast([2, 3], [2]) == nil)
    #expect(Shape.broadcast([2, 3], [3, 2]) == nil)
  }

  @Test func descriptionsShowShapeAndValues() {
    #expect(Tensor([1, 2]).description == "Tensor [2] [1.0, 2.0]")
    #expect(Tensor.zeros([3, 4]).description.hasSuffix("…]"))
  }

  @Test func wrongShapesTrapWithOperationShapesAndLayer() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      LayerPath.entering("encoder") { _ = matmul(Tensor.zeros([2, 3]), Tensor.zeros([4, 5])) }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    for part in ["product", "[2, 3]", "[4, 5]", "encoder"] { #expect(text.contains(part), "\(text)") }
  }
}

@Suite struct RandomSourceTests {
  @Test func numbersDependOnSeedAndPositionAlone() {
    var whole = RandomSource(seed: 5)
    let all = whole.uniform([1000]).values
    var part = RandomSource(seed: 5, position: 400)
    #expect(Array(all[400..<700]) == part.uniform([300]).values)
    #expect(part.position == 700)
    var other = RandomSource(seed: 6)
    #expect(other.uniform([1000]).values != all)
    var stream = RandomSource(seed: 5, stream: 1)
    #expect(stream.uniform([1000]).values != all)
  }

  @Test func distributionsHaveTheirMoments() {
    var random = RandomSource(seed: 1)
    let uniform = random.uniform([100_000], in: -1...3)
    #expect(abs(uniform.mean().scalar - 1) < 0.02)
    #expect(uniform.values.allSatisfy { $0 >= -1 && $0 <= 3 })
    let normal = random.normal([100_000], deviation: 2)
    #expect(abs(normal.mean().scalar) < 0.03)
    #expect(abs(square(normal).mean().scalar - 4) < 0.1)
    let mask = random.dropoutMask([100_000], rate: 0.25)
    #expect(Set(mask.values) == [0, 1 / 0.75])
    #expect(abs(mask.mean().scalar - 1) < 0.01)
  }

  @Test func permutationsAreFairAndComplete() {
    var random = RandomSource(seed: 2)
    var counts = [[Int]: Int]()
    for _ in 0..<6000 { counts[random.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { $0 > 850 && $0 < 1150 })
    #expect(random.permutation(0).isEmpty)
  }
}
