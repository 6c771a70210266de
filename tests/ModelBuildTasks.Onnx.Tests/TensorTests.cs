using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public class TensorTests
{
    public static IEnumerable<object[]> Types => Enum.GetValues<ElementType>().Where(type => type.BitsPerElement() > 0).Select(type => new object[] { type });

    [TestMethod]
    [DynamicData(nameof(Types))]
    public void Raw_and_typed_fields_give_the_same_bytes(ElementType type)
    {
        byte[] bytes = [.. Enumerable.Range(0, (int)type.ByteLength(3)).Select(i => (byte)(i % 2 == 0 ? 1 : 0))];
        TensorProto raw = new() { DataType = (int)type, RawData = ByteString.CopyFrom(bytes) };
        raw.Dims.Add(3);

        Assert.AreEqual(type.ByteLength(3), Tensor.Parse(raw.ToByteArray()).Data.Length);
        CollectionAssert.AreEqual(bytes, Tensor.Parse(Typed(type, bytes).ToByteArray()).Data.ToArray());
    }

    [TestMethod]
    public void Numbers_of_every_type_become_singles()
    {
        CollectionAssert.AreEqual(new[] { -1f, 2f }, Tensor.Vector<sbyte>(-1, 2).ToSingles());
        CollectionAssert.AreEqual(new[] { 1.5f }, Tensor.Vector((Half)1.5f).ToSingles());
        CollectionAssert.AreEqual(new[] { 0f, 1f }, Tensor.Vector(false, true).ToSingles());
        CollectionAssert.AreEqual(new[] { 3f }, Tensor.Vector<ulong>(3).ToSingles());
        CollectionAssert.AreEqual(new[] { 1f }, Tensor.FromBytes(ElementType.BFloat16, [1], new byte[] { 0x80, 0x3F }).ToSingles());
    }

    [TestMethod]
    [DataRow(1f, 1f)]
    [DataRow(1 + 1f / 256, 1f)]
    [DataRow(1 + 1.01f / 256, 1 + 1f / 128)]
    [DataRow(1 + 3f / 256, 1 + 2f / 128)]
    [DataRow(-1 - 3f / 256, -1 - 2f / 128)]
    [DataRow(float.MaxValue, float.PositiveInfinity)]
    public void Numbers_become_the_nearest_of_bfloat16_and_ties_the_even_one(float number, float rounded)
    {
        CollectionAssert.AreEqual(new[] { rounded }, Tensor.CreateBFloat16([1], [number]).ToSingles());
    }

    [TestMethod]
    public void What_is_not_a_number_is_none_in_bfloat16()
    {
        Assert.IsTrue(float.IsNaN(Tensor.CreateBFloat16([1], [BitConverter.UInt32BitsToSingle(0x7F800001)]).ToSingles()[0]));
    }

    [TestMethod]
    public void A_cut_tensor_message_is_truncated()
    {
        byte[] message = Protos.Floats("w", 1, 2, 3).ToByteArray();

        Assert.AreEqual(ModelFormatError.Truncated, Assert.ThrowsExactly<ModelFormatException>(() => Tensor.Parse(message.AsSpan(..^2))).Error);
    }

    [TestMethod]
    public void Reading_with_the_wrong_type_is_refused() => Assert.ThrowsExactly<InvalidOperationException>(() => Tensor.Scalar(1f).Span<int>());

    [TestMethod]
    public void Dimensions_must_hold_the_elements()
    {
        Assert.ThrowsExactly<ArgumentException>(() => Tensor.Create([2, 2], new float[3]));
        Assert.ThrowsExactly<ArgumentException>(() => Tensor.Vector(1f, 2f).WithDimensions(3));
        Assert.ThrowsExactly<ArgumentException>(() => Tensor.FromBytes(ElementType.Float, [1], new byte[3]));
    }

    private static TensorProto Typed(ElementType type, byte[] bytes)
    {
        TensorProto proto = new() { DataType = (int)type };
        proto.Dims.Add(3);
        Protos.AddTyped(proto, type, bytes);
        return proto;
    }
}
