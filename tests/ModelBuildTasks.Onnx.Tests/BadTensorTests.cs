using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

/// <summary>Tensors that do not hold what their type and shape say, or hold it twice.</summary>
[TestClass]
public class BadTensorTests
{
    [TestMethod]
    public void A_shape_without_elements_needs_no_bytes() => Model.Parse(WithInitializer(new TensorProto { DataType = 1, Dims = { 0, 1L << 40 } }));

    [TestMethod]
    public void A_huge_shape_without_bytes_is_invalid() => AssertInvalid("0 bytes", new TensorProto { DataType = 1, Dims = { 1L << 40 } });

    [TestMethod]
    public void Elements_in_two_places_are_invalid() =>
        AssertInvalid("both in raw_data and in a typed field", new TensorProto { DataType = 1, Dims = { 1 }, RawData = ByteString.CopyFrom(new byte[4]), FloatData = { 1 } });

    [TestMethod]
    public void Elements_in_the_field_of_another_type_are_invalid() =>
        AssertInvalid("a field for another type", new TensorProto { DataType = 1, Dims = { 1 }, Int32Data = { 1 } });

    [TestMethod]
    [DataRow(1, 3)]
    [DataRow(1, 1)]
    public void A_typed_field_with_too_many_or_too_few_elements_is_invalid(int dimension, int stored)
    {
        TensorProto tensor = new() { DataType = 1, Dims = { 2 * dimension } };
        tensor.FloatData.AddRange(new float[stored]);

        AssertInvalid($"{stored} elements", tensor);
    }

    [TestMethod]
    public void Complex_numbers_need_two_elements_each() => AssertInvalid("needs 4", new TensorProto { DataType = (int)ElementType.Complex64, Dims = { 2 }, FloatData = { 1, 2 } });

    [TestMethod]
    public void An_odd_number_of_4_bit_elements_takes_its_last_byte_whole()
    {
        Model.Parse(WithInitializer(new TensorProto { DataType = (int)ElementType.Int4, Dims = { 3 }, RawData = ByteString.CopyFrom(1, 2) }));
        AssertInvalid("1 bytes where the shape needs 2", new TensorProto { DataType = (int)ElementType.Int4, Dims = { 3 }, RawData = ByteString.CopyFrom(1) });
        AssertInvalid("3 elements", new TensorProto { DataType = (int)ElementType.UInt4, Dims = { 3 }, Int32Data = { 1, 2, 3 } });
    }

    [TestMethod]
    public void Strings_must_be_as_many_as_the_shape_says_and_never_raw()
    {
        AssertInvalid("1 strings where the shape needs 2", new TensorProto { DataType = (int)ElementType.String, Dims = { 2 }, StringData = { ByteString.Empty } });
        AssertInvalid("0 strings", new TensorProto { DataType = (int)ElementType.String, Dims = { 2 }, RawData = ByteString.CopyFrom(1, 2) });
    }

    [TestMethod]
    public void A_bad_tensor_in_a_function_is_found_too()
    {
        ModelProto model = Protos.Model(Protos.Node("Relu", ["x"], "y"));
        model.Functions.Add(new FunctionProto { AttributeProto = { new AttributeProto { T = new TensorProto { DataType = 1, Dims = { 5 } } } } });

        Assert.AreEqual(ModelFormatError.Invalid, Assert.ThrowsExactly<ModelFormatException>(() => Model.Parse(model.ToByteArray())).Error);
    }

    [TestMethod]
    public void Sparse_tensors_without_values_or_indices_are_invalid()
    {
        AssertInvalid("no list of values", new SparseTensorProto { Dims = { 4 } });
        AssertInvalid("no int64 indices", new SparseTensorProto { Values = Protos.Floats("s", 1), Dims = { 4 } });
        AssertInvalid("no int64 indices", Sparse([4], [1], new TensorProto { DataType = (int)ElementType.Int32, Dims = { 1 }, Int32Data = { 0 } }));
    }

    [TestMethod]
    [DataRow(new long[] { 1, 4 }, "has the index 4 at place 1")]
    [DataRow(new long[] { 1, 1 }, "has the index 1 at place 1")]
    [DataRow(new long[] { 2, 1 }, "has the index 1 at place 1")]
    [DataRow(new long[] { -1, 1 }, "has the index -1 at place 0")]
    [DataRow(new long[] { 1, 2, 3 }, "indices of the shape [3]")]
    public void Linear_indices_ascend_inside_the_dense_shape(long[] indices, string problem) =>
        AssertInvalid(problem, Sparse([4], [1, 2], new TensorProto { DataType = (int)ElementType.Int64, Dims = { indices.Length }, Int64Data = { indices } }));

    [TestMethod]
    [DataRow(new long[] { 0, 1, 0, 2 }, "index 2 in dimension 1, which has 2 places")]
    [DataRow(new long[] { 1, 0, 0, 1 }, "at place 1")]
    public void Indices_by_dimension_ascend_inside_the_dense_shape(long[] indices, string problem) =>
        AssertInvalid(problem, Sparse([2, 2], [1, 2], new TensorProto { DataType = (int)ElementType.Int64, Dims = { 2, 2 }, Int64Data = { indices } }));

    private static SparseTensorProto Sparse(long[] dense, float[] values, TensorProto indices) =>
        new() { Values = Protos.Floats("s", values), Indices = indices, Dims = { dense } };

    private static byte[] WithInitializer(TensorProto tensor)
    {
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "w"], "y"));
        model.Graph.Initializer.Add(tensor);
        tensor.Name = "w";
        return model.ToByteArray();
    }

    private static void AssertInvalid(string problem, TensorProto tensor) => AssertInvalid(problem, WithInitializer(tensor));

    private static void AssertInvalid(string problem, SparseTensorProto sparse)
    {
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "s"], "y"));
        model.Graph.SparseInitializer.Add(sparse);
        AssertInvalid(problem, model.ToByteArray());
    }

    private static void AssertInvalid(string problem, byte[] model)
    {
        ModelFormatException exception = Assert.ThrowsExactly<ModelFormatException>(() => Model.Parse(model));
        Assert.AreEqual(ModelFormatError.Invalid, exception.Error);
        Assert.Contains(problem, exception.Message);
    }
}
