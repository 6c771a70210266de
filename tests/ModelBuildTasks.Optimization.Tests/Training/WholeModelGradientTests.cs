using ModelBuildTasks.Benchmarks;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>
/// Gradients of whole models. A step against one weight's gradient g changes the loss by −‖g‖ for each unit of length; every element of g takes part
/// in that check, and one pair of runs a weight is enough for it.
/// </summary>
[TestClass]
public sealed class WholeModelGradientTests
{
    private const double Tolerance = 0.03;

    /// <summary>Gradients that are so much smaller than the largest one drown in the rounding of the loss.</summary>
    private const double Negligible = 1e-3;

    /// <summary>
    /// Expected changes as shares of the output's size. Small ones drown in rounding, large ones meet curves and the kinks of thousands of
    /// positions; a right gradient fits at one of them.
    /// </summary>
    private static readonly double[] Changes = [1e-4, 1e-5, 1e-3, 1e-2];

    /// <summary>Weights of one model that are tried, spread over all.</summary>
    private const int Tried = 16;

    [TestMethod]
    public void Points_along_the_steepest_way_in_a_transformer()
    {
        Model model = TransformerModel.Create(layers: 2, width: 24, vocabulary: 11);
        GradientModel gradient = Verify(model, [Tensor.Create([2, 5], [0L, 3, 10, 3, 1, 7, 7, 2, 9, 4])], out int parameters);
        Assert.HasCount(parameters, gradient.Parameters);
    }

    [TestMethod]
    [DataRow("aka_resnet20_cifar10.onnx")]
    [DataRow("ch_PP-OCRv3_det_infer.onnx")]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer.onnx")]
    [DataRow("dtln_model_1.onnx")]
    [DataRow("FastestDet.onnx")]
    [DataRow("magika_standard_v3_3.onnx")]
    [DataRow("micro_kws_m_static_fp32.onnx")]
    [DataRow("mnist8_cntk.onnx")]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    [DataRow("qonnx_bsd300x3-espcn_subpixel_float_model.onnx")]
    [DataRow("squeezenet1.0_imagenet_fp32.onnx")]
    [DataRow("tract_byte_bidi_lstm.onnx")]
    [DataRow("ultraface_RFB-320.onnx")]
    [DataRow("winml_cifar_cnn.onnx")]
    public void Points_along_the_steepest_way_in_real_models(string name)
    {
        Model model = Model.Load(RealModels.Require(name));
        using ModelSession session = ModelSession.Open(model);
        GradientModel gradient = Verify(model, RealModels.RandomInputs(name, session.Inputs, seed: 1, batch: 1), out _);
        Assert.AreEqual("", string.Join("\n", gradient.Gaps.Where(gap => gap.OpType.Length > 0)));
    }

    private static GradientModel Verify(Model model, IReadOnlyList<Tensor> inputs, out int parameters)
    {
        (Value loss, double size) = ScalarOf(model, inputs);
        string[] weights = Weights(model.Graph);
        parameters = weights.Length;
        GradientModel gradient = GradientBuilder.Build(model, loss.Name, weights, inputs);
        Tensor[] values = [.. gradient.Parameters.Select(name => model.Graph.Find(name)!.Initializer!)];
        using ModelSession session = ModelSession.Open(gradient.Model);
        IReadOnlyList<Tensor> results = session.Run([.. inputs, .. values]);
        int lossIndex = results.Count - values.Length - 1;
        double largest = results.Skip(lossIndex + 1).Max(Norm);
        int[] tried = [.. Enumerable.Range(0, values.Length).Where(i => Norm(results[lossIndex + 1 + i]) > Negligible * largest)];
        foreach (int i in tried.Where((_, place) => place % (1 + (tried.Length / Tried)) == 0))
        {
            float[] direction = results[lossIndex + 1 + i].ToSingles();
            double norm = Norm(results[lossIndex + 1 + i]);
            double LossAt(double along)
            {
                Tensor[] moved = [.. values];
                moved[i] = Tensor.Create([.. values[i].Dimensions], [.. values[i].ToSingles().Select((value, k) => (float)(value + (along * direction[k] / norm)))]);
                return session.Run([.. inputs, .. moved])[lossIndex].ToSingles()[0];
            }

            double ShareOf(double change)
            {
                double step = change * size / norm;
                return (LossAt(step) - LossAt(-step)) / (2 * step * norm);
            }

            Assert.IsTrue(
                Changes.Any(change => Math.Abs(ShareOf(change) - 1) < Tolerance),
                $"{gradient.Parameters[i]}: {string.Join(", ", Changes.Select(ShareOf))} of the expected change, norm {norm} of {largest}");
        }

        return gradient;
    }

    /// <summary>Adds a random projection of the first output, before the squashing that a trained model saturates, and gives the size of what is projected.</summary>
    private static (Value Loss, double Size) ScalarOf(Model model, IReadOnlyList<Tensor> inputs)
    {
        Graph graph = model.Graph;
        Value result = graph.Outputs[0].Producer is { OpType: "Softmax" or "Sigmoid" } squashing ? squashing.Input(0)! : graph.Outputs[0];
        Model probe = model.Clone();
        probe.Graph.AddOutput(probe.Graph.Find(result.Name)!);
        using ModelSession session = ModelSession.Open(probe);
        Tensor values = session.Run(inputs)[^1];
        Value row = graph.Add("Reshape", result, graph.AddInitializer("row", Tensor.Vector(1, values.Length)));
        Value loss = graph.Add("MatMul", row, graph.AddInitializer("projection", GradientCheck.Draw([values.Length, 1], seed: 3)));
        graph.AddOutput(loss);
        return (loss, Norm(values));
    }

    /// <summary>Float initializers of one axis or more; constants in nodes become such.</summary>
    private static string[] Weights(Graph graph)
    {
        foreach (Node node in graph.Nodes.Where(node => node is { OpType: "Constant", Output.Constant: { ElementType: ElementType.Float, Dimensions.Count: > 0 } }).ToArray())
        {
            node.Output.ReplaceWith(graph.AddInitializer("weight", node.Output.Constant!));
        }

        return [.. graph.Initializers.Where(value => value.Initializer is { ElementType: ElementType.Float, Dimensions.Count: > 0 } && value.Uses.Count > 0 && !value.Uses.Any(IsSetting)).Select(value => value.Name)];
    }

    /// <summary>Statistics of a normalization and factors of a Resize are no weights.</summary>
    private static bool IsSetting(Use use) => (use.Node.OpType, use.Index) is ("BatchNormalization", > 2) or ("Resize", > 0);

    private static double Norm(Tensor tensor) => Math.Sqrt(tensor.ToSingles().Sum(value => (double)value * value));
}
