using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class ProvenanceTests : IDisposable
{
    private static readonly string[] Keys = ["modelbuild.source", "modelbuild.target", "modelbuild.plan", "modelbuild.types", "modelbuild.version"];

    private readonly Workplace place = Workplace.With(SmallModels.WideMlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void An_artifact_tells_its_source_target_plan_and_the_version_of_this_tool_as_the_lock_file_has_them()
    {
        OptimizationRequest request = Int4(place);
        OptimizationResult result = Workplace.Run(request);

        IDictionary<string, string> metadata = Model.Load(place.OutputPath).Metadata;

        LockEntry entry = LockEntry.Of(request, result);
        CollectionAssert.AreEqual(Keys, metadata.Keys.ToArray());
        Assert.AreEqual(ContentDigest.OfFile(place.ModelPath), metadata["modelbuild.source"]);
        Assert.AreEqual(entry.Source, metadata["modelbuild.source"]);
        Assert.AreEqual("cpu", metadata["modelbuild.target"]);
        Assert.AreEqual(string.Join("; ", entry.Plan), metadata["modelbuild.plan"]);
        StringAssert.Contains(metadata["modelbuild.plan"], "weight-only int4 quantization");
        StringAssert.StartsWith(metadata["modelbuild.types"], "Float; ");
        StringAssert.EndsWith(metadata["modelbuild.types"], "UInt8");
        Assert.AreEqual(PackageVersion(), metadata["modelbuild.version"]);
    }

    [TestMethod]
    public void The_same_request_elsewhere_gives_the_same_bytes()
    {
        using Workplace other = Workplace.With(SmallModels.WideMlp());

        Assert.AreEqual(Workplace.Run(Int4(place)).ArtifactSha256, Workplace.Run(Int4(other)).ArtifactSha256);
    }

    [TestMethod]
    public void What_the_source_says_of_itself_stays_and_what_an_earlier_run_wrote_goes()
    {
        Model source = Model.Load(place.ModelPath);
        (source.Metadata["author"], source.Metadata["modelbuild.plan"], source.Metadata["modelbuild.other"]) = ("me", "of an earlier run", "of another version");
        source.Save(place.ModelPath);

        Workplace.Run(Int4(place));

        IDictionary<string, string> metadata = Model.Load(place.OutputPath).Metadata;
        CollectionAssert.AreEqual((string[])["author", .. Keys], metadata.Keys.ToArray());
        Assert.AreEqual("me", metadata["author"]);
        StringAssert.Contains(metadata["modelbuild.plan"], "int4");
    }

    [TestMethod]
    public void A_model_that_passes_through_stays_as_it_is_byte_by_byte()
    {
        OptimizationResult result = Workplace.Run(place.Request(request => request.Settings.Precision = Precision.Float32));

        Assert.IsTrue(result.Succeeded);
        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(place.OutputPath));
    }

    [TestMethod]
    public void External_data_is_part_of_the_digest()
    {
        Model.Load(place.ModelPath).Save(place.ModelPath, WeightPlacement.External);

        Workplace.Run(Int4(place));

        string source = Model.Load(place.OutputPath).Metadata["modelbuild.source"];
        Assert.AreEqual(RequestInputs.DigestOfModel(place.ModelPath), source);
        Assert.AreNotEqual(ContentDigest.OfFile(place.ModelPath), source);
    }

    [TestMethod]
    [DataRow(Precision.Int8)]
    [DataRow(Precision.Float32, DisplayName = "passed through")]
    public void A_model_that_was_trained_again_has_another_name_for_TensorRT_which_keeps_engines_by_names(Precision precision)
    {
        string NameOf(Model trained)
        {
            trained.Save(place.ModelPath);
            OptimizationResult result = Workplace.Run(place.Request(request => (request.Target, request.Settings.Precision, request.CalibrationData) = (TargetNames.TensorRt, precision, place.WriteData("calibration"))));
            Assert.IsTrue(result.Succeeded);
            return Model.Load(place.OutputPath).Graph.Name;
        }

        Assert.AreEqual(NameOf(SmallModels.WideMlp(seed: 1)), NameOf(SmallModels.WideMlp(seed: 1)));
        Assert.AreNotEqual(NameOf(SmallModels.WideMlp(seed: 1)), NameOf(SmallModels.WideMlp(seed: 2)));
    }

    [TestMethod]
    public void For_TensorRT_a_model_that_passes_through_tells_its_types_without_which_no_precision_is_enabled()
    {
        Model quantized = WithQuantizedInput();
        quantized.Metadata["modelbuild.types"] = "of an earlier run";
        quantized.Save(place.ModelPath);

        OptimizationResult result = Workplace.Run(place.Request(request => request.Target = TargetNames.TensorRt));

        Assert.IsTrue(result.Succeeded);
        IDictionary<string, string> metadata = Model.Load(place.OutputPath).Metadata;
        CollectionAssert.AreEqual((string[])["modelbuild.types"], metadata.Keys.ToArray());
        Assert.AreEqual("Float; Int8", metadata["modelbuild.types"]);
    }

    [TestMethod]
    public void Weights_in_Constant_nodes_count_as_types()
    {
        Model quantized = WithQuantizedInput();
        foreach (Value weight in quantized.Graph.Initializers.ToArray())
        {
            Node constant = quantized.Graph.AddNode("Constant", []);
            constant.Set("value", weight.Initializer!);
            weight.ReplaceWith(constant.Output);
        }

        quantized.Graph.RemoveUnused();
        quantized.Save(place.ModelPath);

        Workplace.Run(place.Request(request =>
        {
            request.Target = TargetNames.TensorRt;
            request.Settings.DisabledRules = ["ConstantToInitializer"];
        }));

        Model artifact = Model.Load(place.OutputPath);
        Assert.IsEmpty(artifact.Graph.Initializers);
        Assert.AreEqual("Float; Int8", artifact.Metadata["modelbuild.types"]);
    }

    [TestMethod]
    public void For_TensorRT_an_artifact_that_it_would_make_larger_than_the_source_tells_its_types_alone()
    {
        using Workplace small = Workplace.With(Tiny());

        OptimizationResult result = Workplace.Run(small.Request(request => (request.Target, request.Settings.Precision) = (TargetNames.TensorRt, Precision.Float32)));

        Assert.IsTrue(result.Recipe.Single(step => step.Name == "simplification").Applied);
        CollectionAssert.AreEqual((string[])["modelbuild.types"], Model.Load(small.OutputPath).Metadata.Keys.ToArray());
    }

    [TestMethod]
    public void An_artifact_that_it_would_make_larger_than_the_source_says_nothing()
    {
        using Workplace small = Workplace.With(Tiny());

        OptimizationResult result = Workplace.Run(small.Request(request => request.Settings.Precision = Precision.Float32));

        Assert.IsTrue(result.Recipe.Single(step => step.Name == "simplification").Applied);
        Assert.IsLessThan(result.Original!.Bytes, result.Optimized!.Bytes);
        Assert.IsEmpty(Model.Load(small.OutputPath).Metadata);
    }

    /// <summary>x: Float[1, 4] → Identity, Relu → y.</summary>
    private static Model Tiny()
    {
        Model tiny = Model.Create("tiny", 17, 8);
        Value x = tiny.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value y = tiny.Graph.Add("Relu", tiny.Graph.Add("Identity", x));
        y.Type = new TensorType(ElementType.Float, 1, 4);
        tiny.Graph.AddOutput(y);
        return tiny;
    }

    /// <summary>x: Float[N, 64] → QuantizeLinear, DequantizeLinear (int8, zero point 0), Relu → scores: nothing to optimize.</summary>
    private static Model WithQuantizedInput()
    {
        Model model = SmallModels.Plain();
        Graph graph = model.Graph;
        Node relu = graph.Nodes.Single();
        Value scale = graph.AddInitializer("scale", Tensor.Scalar(0.01f));
        Value zeroPoint = graph.AddInitializer("zero", Tensor.Scalar((sbyte)0));
        relu.SetInput(0, graph.Add("DequantizeLinear", graph.Add("QuantizeLinear", graph.Inputs[0], scale, zeroPoint), scale, zeroPoint));
        return model;
    }

    private static OptimizationRequest Int4(Workplace place) => place.Request(request => request.Settings.Precision = Precision.Int4);

    private static string PackageVersion() =>
        System.Xml.Linq.XDocument.Load(Repository.File("Directory.Build.props")).Descendants("Version").Single().Value;
}
