using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests;

[TestClass]
public class ModelSessionTests
{
    [TestMethod]
    public void Runs_and_copies_the_outputs()
    {
        using ModelSession session = ModelSession.Open(Doubler());

        Tensor doubled = session.Run([Tensor.Create([1, 2], [1f, 2f])]).Single();

        CollectionAssert.AreEqual(new[] { 2f, 4f }, doubled.ToSingles());
        Assert.AreEqual("x: Float[batch, 2]", session.Inputs.Single().ToString());
    }

    [TestMethod]
    public void Lends_the_outputs_while_the_run_lives()
    {
        using ModelSession session = ModelSession.Open(Doubler());
        using SessionRun run = session.RunBorrowed([Tensor.Create([2, 2], [1f, 2f, 3f, 4f])]);

        Assert.AreEqual(1, run.Count);
        Assert.AreEqual(ElementType.Float, run.TypeOf(0));
        CollectionAssert.AreEqual(new[] { 2f, 4f, 6f, 8f }, run.Span<float>(0).ToArray());
    }

    [TestMethod]
    public void An_output_that_is_the_input_stays_readable_until_the_run_ends()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "n"));
        model.Graph.AddOutput(model.Graph.Add("Identity", x));
        model.Graph.AddOutput(model.Graph.AddNode("Reshape", [x, model.Graph.AddInitializer("shape", Tensor.Vector(-1L, 1L))]).Output);
        using ModelSession session = ModelSession.Open(model);
        for (int i = 0; i < 50; i++)
        {
            float[] values = [.. Enumerable.Range(i, 10_000).Select(v => (float)v)];
            using SessionRun run = session.RunBorrowed([Tensor.Vector([.. values])]);
            GC.Collect();
            _ = new float[10_000];
            CollectionAssert.AreEqual(values, run.Span<float>(0).ToArray());
            CollectionAssert.AreEqual(values, run.Span<float>(1).ToArray());
        }
    }

    [TestMethod]
    public void A_model_with_many_weights_is_opened_without_a_copy_of_them()
    {
        const int Length = 40 << 20;
        float[] weights = new float[Length];
        weights[^1] = 3;
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Int64, 1));
        model.Graph.AddOutput(model.Graph.Add("Gather", model.Graph.AddInitializer("w", Tensor.Vector(weights)), x));
        long before = GC.GetAllocatedBytesForCurrentThread();

        using ModelSession session = ModelSession.Open(model);

        Assert.IsLessThan(Length, GC.GetAllocatedBytesForCurrentThread() - before);
        CollectionAssert.AreEqual(new[] { 3f }, session.Run([Tensor.Vector<long>(Length - 1)]).Single().ToSingles());
    }

    [TestMethod]
    public void Empty_tensors_can_be_fed()
    {
        using ModelSession session = ModelSession.Open(Doubler());

        Assert.AreEqual(0, session.Run([Tensor.Create([0, 2], Array.Empty<float>())]).Single().Length);
    }

    [TestMethod]
    public void A_model_that_cannot_be_loaded_is_an_inference_error()
    {
        Assert.ThrowsExactly<InferenceException>(() => ModelSession.Open("rubbish"u8.ToArray()));
        Assert.ThrowsExactly<InferenceException>(() => ModelSession.Open("/no/such/model.onnx"));
        Model model = Doubler();
        model.Graph.Nodes[0].OpType = "NoSuchOperator";
        InferenceException exception = Assert.ThrowsExactly<InferenceException>(() => ModelSession.Open(model));
        Assert.Contains("NoSuchOperator", exception.Message);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_model_whose_products_share_weights_of_8_bits_is_opened(bool sharesWeights)
    {
        Model model = SharedProducts(sharesWeights);

        using ModelSession session = ModelSession.Open(model);

        Assert.AreEqual(2, session.Outputs.Count);
    }

    [TestMethod]
    public void Products_of_8_bits_do_not_saturate()
    {
        Model model = SharedProducts(sharesWeights: false);
        byte[] ones = Enumerable.Repeat((byte)255, 16).ToArray();

        using ModelSession session = ModelSession.Open(model);

        Assert.AreEqual(16 * 255 * 127, session.Run([Tensor.Create([1, 16], ones)])[0].Span<int>()[0]);
    }

    [TestMethod]
    public void A_wrong_shape_or_type_is_an_inference_error()
    {
        using ModelSession session = ModelSession.Open(Doubler());

        Assert.ThrowsExactly<InferenceException>(() => session.Run([Tensor.Create([1, 3], new float[3])]));
        Assert.ThrowsExactly<InferenceException>(() => session.Run([Tensor.Create([1, 2], new int[2])]));
    }

    [TestMethod]
    public void A_wrong_number_of_inputs_is_an_argument_error_that_names_them()
    {
        using ModelSession session = ModelSession.Open(Doubler());

        Assert.Contains("(x)", Assert.ThrowsExactly<ArgumentException>(() => session.Run([])).Message);
    }

    [TestMethod]
    public void Several_threads_may_run_at_once()
    {
        using ModelSession session = ModelSession.Open(Doubler());

        Parallel.For(0, 200, i => Assert.AreEqual(2f * i, session.Run([Tensor.Create([1, 2], [i, 0f])]).Single().ToSingles()[0]));
    }

    private static Model Doubler()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 2));
        model.Graph.AddOutput(model.Graph.Add("Mul", x, model.Graph.AddInitializer("two", Tensor.Scalar(2f))));
        return model;
    }

    /// <summary>Two integer products of x, [1, 16] of uint8, by weights that are all 127.</summary>
    private static Model SharedProducts(bool sharesWeights)
    {
        Model model = Model.Create("products", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.UInt8, 1, 16));
        sbyte[] weights = Enumerable.Repeat((sbyte)127, 16 * 16).ToArray();
        Value first = model.Graph.AddInitializer("w", Tensor.Create([16, 16], weights));
        Value second = sharesWeights ? first : model.Graph.AddInitializer("v", Tensor.Create([16, 16], weights));
        model.Graph.AddOutput(model.Graph.Add("MatMulInteger", x, first));
        model.Graph.AddOutput(model.Graph.Add("MatMulInteger", x, second));
        return model;
    }
}
