using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class InputEncoderTests
{
    [TestMethod]
    public void Moves_stored_channels_first_in_BGR_order_and_clears_padding()
    {
        InputEncoder encoder = new(TemporaryFolder.Input("N", 3, "H", "W"), new InputDescription { Layout = AxisOrder.Nhwc, Color = ChannelOrder.Bgr, Mean = new Channels([1]) });
        Tensor record = Tensor.FromBytes(ElementType.UInt8, [1, 2, 3], new byte[] { 10, 20, 30, 40, 50, 60 });

        Tensor encoded = encoder.Encode(record, "test", validWidth: 1);

        CollectionAssert.AreEqual(new long[] { 1, 3, 1, 2 }, encoded.Dimensions.ToArray());
        CollectionAssert.AreEqual(new float[] { 29, 0, 19, 0, 9, 0 }, encoded.ToSingles());
    }

    [TestMethod]
    public void Columns_of_a_table_have_a_mean_and_deviation_each()
    {
        InputEncoder encoder = new(TemporaryFolder.Input("N", 2), new InputDescription { Mean = new Channels([1, 2]), Std = new Channels([2, 4]) });

        CollectionAssert.AreEqual(new float[] { 1, 2 }, encoder.Encode(Tensor.Vector(3.0, 10.0), "test").ToSingles());
    }

    [TestMethod]
    public void Asks_for_the_axis_order_when_the_shape_does_not_show_it()
    {
        InputEncoder encoder = new(TemporaryFolder.Input("N", "A", "B", "C"), new InputDescription { Layout = AxisOrder.Nhwc });

        StringAssert.Contains(
            TemporaryFolder.Fails(DatasetError.DoesNotFit, () => encoder.Encode(Tensor.Create<float>([2, 2, 3], new float[12]), "test")).Message, "inputLayout");
    }

    [TestMethod]
    public void What_does_not_fit_is_told_with_both_types_and_shapes()
    {
        InputEncoder encoder = new(TemporaryFolder.Input("N", 3, 4), new InputDescription());

        string message = TemporaryFolder.Fails(DatasetError.DoesNotFit, () => encoder.Encode(Tensor.Create<byte>([4, 3], new byte[12]), "pixels.npy")).Message;

        StringAssert.Contains(message, "pixels.npy: input 'x' expects Float[N, 3, 4], a record is UInt8[4, 3]");
    }

    [TestMethod]
    public void Half_precision_inputs_get_the_nearest_half()
    {
        InputEncoder encoder = new(new TensorSignature("x", ElementType.Float16, [1, 1]), new InputDescription { Scale = new Factor(1 / 3.0) });

        Assert.AreEqual((Half)(1 / 3.0f), encoder.Encode(Tensor.Vector<byte>(1), "test").Span<Half>()[0]);
    }

    [TestMethod]
    [DataRow(new long[] { 28, 28 }, new long[] { 1, 1, 28, 28 })]
    [DataRow(new long[] { 784 }, new long[] { 1, 1, 28, 28 })]
    [DataRow(new long[] { 1, 28, 28 }, new long[] { 1, 784 })]
    [DataRow(new long[] { 2, 1, 128 }, new long[] { 2, 1, 128 })]
    public void Shapes_differ_only_by_axes_of_one_or_by_being_flat(long[] record, long[] input) =>
        CollectionAssert.AreEqual(input, ShapeFit.Fit([.. input.Select(size => (Dimension)size)], record));

    [TestMethod]
    [DataRow(new long[] { 28, 14 }, new long[] { 1, 14, 28 })]
    [DataRow(new long[] { 4 }, new long[] { 8, 4 })]
    [DataRow(new long[] { 5 }, new long[] { 1, 4 })]
    public void Shapes_that_would_reorder_elements_do_not_fit(long[] record, long[] input) =>
        Assert.IsNull(ShapeFit.Fit([.. input.Select(size => (Dimension)size)], record));
}
