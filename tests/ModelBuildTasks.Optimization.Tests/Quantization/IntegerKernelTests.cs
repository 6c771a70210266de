using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>What is written is what ONNX Runtime turns into integer kernels: nothing is left in float by a missed pattern.</summary>
[TestClass]
public sealed class IntegerKernelTests
{
    [TestMethod]
    public void Convolutions_in_a_row_run_as_integers_with_one_conversion_in_front()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n => n.Convolution(n.Convolution(n.X))).Quantize();

        network.AssertFused(("QLinearConv", 2), ("Conv", 0), ("QuantizeLinear", 1));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void A_relu_is_absorbed_into_the_quantization_behind_it()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n => n.Convolution(n.Graph.Add("Relu", n.Convolution(n.X)))).Quantize();

        network.AssertFused(("QLinearConv", 2), ("Relu", 0), ("DequantizeLinear", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    [DataRow(0.5f)]
    [DataRow(6f)]
    [DataRow(0.3f)]
    public void A_clip_from_zero_is_absorbed_whether_or_not_the_data_reaches_its_bound(float bound)
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n => n.Convolution(n.Clip(n.Convolution(n.X), 0, bound))).Quantize();

        network.AssertFused(("QLinearConv", 2), ("Clip", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void A_clip_that_does_not_start_at_zero_still_clips()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n => n.Convolution(n.Clip(n.Convolution(n.X), 0.2f, 0.5f))).Quantize();

        network.AssertFused(("Clip", 1));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void The_sum_of_a_residual_block_is_computed_in_integers()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n =>
        {
            Value shortcut = n.Graph.Add("Relu", n.Convolution(n.X));
            return n.Convolution(n.Graph.Add("Relu", n.Graph.Add("Add", n.Convolution(n.Graph.Add("Relu", n.Convolution(shortcut))), shortcut)));
        }).Quantize();

        network.AssertFused(("QLinearConv", 4), ("QLinearAdd", 1), ("Add", 0), ("Relu", 0), ("DequantizeLinear", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void A_max_pooling_works_on_the_integers_under_the_scale_of_its_input()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n =>
            n.Convolution(n.Graph.AddNode("MaxPool", [n.Convolution(n.X)]).Set("kernel_shape", [2L, 2]).Set("strides", [2L, 2]).Output)).Quantize();

        Node pooling = network.Nodes("MaxPool").Single();
        Node before = pooling.Inputs[0]!.Producer!;
        Node after = pooling.Output.Uses.Single().Node;
        Assert.AreEqual("QuantizeLinear", before.OpType);
        Assert.AreEqual("DequantizeLinear", after.OpType);
        Assert.AreEqual(before.Input(1)!.Constant!.Span<float>()[0], after.Input(1)!.Constant!.Span<float>()[0]);
        network.AssertFused(("QLinearConv", 2), ("DequantizeLinear", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void A_reshape_and_a_transpose_between_products_move_integers()
    {
        IntegerNetwork network = IntegerNetwork.On([128, 256], n =>
        {
            Value hidden = n.Graph.Add("MatMul", n.X, n.Weight("W1", 256, 256));
            Value shaped = n.Graph.Add("Reshape", hidden, n.Graph.AddInitializer("shape", Tensor.Vector(2L, 64, 256)));
            Value turned = n.Graph.AddNode("Transpose", [shaped]).Set("perm", [1L, 0, 2]).Output;
            return n.Graph.Add("MatMul", turned, n.Weight("W2", 256, 256));
        }).Quantize();

        network.AssertFused(("QLinearMatMul", 1), ("MatMulIntegerToFloat", 1), ("QuantizeLinear", 1), ("DequantizeLinear", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void Global_pooling_before_a_convolution_is_computed_in_integers()
    {
        IntegerNetwork network = IntegerNetwork.On([1, 64, 14, 14], n =>
        {
            Value pooled = n.Graph.Add("GlobalAveragePool", n.Convolution(n.Graph.Add("Relu", n.Convolution(n.X))));
            return n.Graph.Add("Gemm", n.Graph.Add("Flatten", pooled), n.Weight("last", 64, 1000), n.Weight("bias", 1000));
        }).Quantize();

        network.AssertFused(("QLinearConv", 2), ("QLinearGlobalAveragePool", 1), ("QGemm", 1), ("GlobalAveragePool", 0), ("Gemm", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void The_last_product_gives_floats_without_rounding_them()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n => n.Graph.Add("MatMul", n.X, n.Weight("W", 256, 256))).Quantize();

        network.AssertFused(("MatMulIntegerToFloat", 1), ("QuantizeLinear", 1), ("DequantizeLinear", 0));
    }

    [TestMethod]
    public void A_value_that_integers_and_floats_read_is_made_once_as_integers()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n =>
        {
            Value shared = n.Convolution(n.X);
            return n.Graph.Add("Mul", n.Convolution(shared), n.Graph.Add("Tanh", shared));
        }).Quantize();

        Assert.HasCount(2, network.Nodes("Conv"));
        network.AssertFused(("QLinearConv", 2), ("Conv", 0), ("Tanh", 1));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void Grouped_and_one_dimensional_convolutions_run_as_integers()
    {
        IntegerNetwork network = IntegerNetwork.On([1, 64, 400], n =>
        {
            Value first = n.Graph.AddNode("Conv", [n.X, n.Weight("W1", 64, 64, 5)]).Set("pads", [2L, 2]).Output;
            Value grouped = n.Graph.AddNode("Conv", [n.Graph.Add("Relu", first), n.Weight("W2", 64, 32, 5)]).Set("pads", [2L, 2]).Set("group", 2L).Output;
            return n.Graph.Add("GlobalAveragePool", grouped);
        }).Quantize();

        network.AssertFused(("QLinearConv", 2), ("Conv", 0));
        network.AssertAnswersAlike();
    }
}
