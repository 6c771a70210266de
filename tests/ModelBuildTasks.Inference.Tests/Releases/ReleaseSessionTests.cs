using System.Diagnostics;
using ModelBuildTasks.Inference.Releases;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Releases;

[TestClass]
public sealed class ReleaseSessionTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("modelbuild ü ").FullName;

    private string ModelPath => Path.Combine(folder, "model.onnx");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [TestMethod]
    public void Gives_what_the_managed_interface_gives()
    {
        Model model = Model.Create("g", 17, 8);
        Value a = model.Graph.AddInput("a", new TensorType(ElementType.Float, "n", 3));
        Value b = model.Graph.AddInput("b", new TensorType(ElementType.Int64, "n"));
        model.Graph.AddOutput(model.Graph.Add("Sin", a));
        model.Graph.AddOutput(model.Graph.Add("Neg", b));
        model.Save(ModelPath);
        IReadOnlyList<Tensor> inputs = [Tensor.Create([2, 3], [1f, 2f, 3f, 4f, 5f, 6f]), Tensor.Vector(7L, -8L)];
        using ModelSession managed = ModelSession.Open(ModelPath);
        using ReleaseSession session = new(Library(), ModelPath);

        IReadOnlyList<Tensor> found = session.Run(inputs);

        Assert.AreEqual(ModelSession.RuntimeVersion, session.Version);
        CollectionAssert.AreEqual(new[] { "a", "b" }, session.InputNames.ToArray());
        CollectionAssert.AreEqual(managed.Outputs.Select(output => output.Name).ToArray(), session.OutputNames.ToArray());
        foreach ((Tensor expected, Tensor actual) in managed.Run(inputs).Zip(found))
        {
            Assert.AreEqual(expected.ToString(), actual.ToString());
            CollectionAssert.AreEqual(expected.Data.ToArray(), actual.Data.ToArray());
        }
    }

    [TestMethod]
    public void A_model_that_the_release_refuses_is_an_error_with_its_reason()
    {
        Model model = Model.Create("g", 99, 8);
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.AddInput("x", new TensorType(ElementType.Float, 1))));
        model.Save(ModelPath);

        InferenceException fault = Assert.ThrowsExactly<InferenceException>(() => new ReleaseSession(Library(), ModelPath));

        StringAssert.Contains(fault.Message, "pset 99");
    }

    [TestMethod]
    public void Inputs_that_do_not_fit_are_an_error()
    {
        Model model = Model.Create("g", 17, 8);
        model.Graph.AddOutput(model.Graph.Add("Relu", model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 2))));
        model.Save(ModelPath);
        using ReleaseSession session = new(Library(), ModelPath);

        Assert.ThrowsExactly<InferenceException>(() => session.Run([]));
        Assert.ThrowsExactly<InferenceException>(() => session.Run([Tensor.Vector(1f, 2f, 3f)]));
    }

    [TestMethod]
    public void A_file_that_is_no_library_is_an_error_that_names_it()
    {
        string library = Path.Combine(folder, "libonnxruntime.so");
        File.WriteAllText(library, "no library");

        UnusableLibraryException fault = Assert.ThrowsExactly<UnusableLibraryException>(() => new ReleaseSession(library, ModelPath));

        StringAssert.Contains(fault.Message, library);
    }

    /// <summary>The library that the managed package loads.</summary>
    private static string Library()
    {
        Assert.AreNotEqual("", ModelSession.RuntimeVersion, "This loads it.");
        using Process process = Process.GetCurrentProcess();
        return process.Modules.Cast<ProcessModule>().Select(module => module.FileName).First(file => Path.GetFileName(file) is "libonnxruntime.so" or "onnxruntime.dll" or "libonnxruntime.dylib");
    }
}
