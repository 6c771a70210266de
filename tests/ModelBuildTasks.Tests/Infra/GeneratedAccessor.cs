using System.Reflection;
using System.Runtime.Loader;
using Microsoft.Build.Utilities;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using ModelBuildTasks.Accessors;
using ModelBuildTasks.Items;
using ModelBuildTasks.Signatures;

namespace ModelBuildTasks.Tests.Infra;

/// <summary>Generates an accessor for a model and compiles it, with warnings as errors.</summary>
internal sealed class GeneratedAccessor
{
    private readonly List<SyntaxTree> _trees = [];
    private readonly string _name;
    private readonly byte[] _resource;
    private readonly bool _isCompressed;
    private readonly string[] _targets;
    private readonly bool _hasOnnxRuntime;

    public GeneratedAccessor(TemporaryFolder folder, byte[] model, string name = "digits", string[]? targets = null, bool hasOnnxRuntime = true,
        LanguageVersion language = LanguageVersion.Latest, (string Name, string Value)[]? metadata = null, string rootNamespace = "MyApp", byte[]? compressed = null, bool takesHalf = false)
    {
        (_name, _resource, _isCompressed, _targets, _hasOnnxRuntime) = (name, compressed ?? model, compressed is not null, targets ?? ["cpu"], hasOnnxRuntime);
        var path = folder.Write($"{name}.onnx", model);
        var item = new TaskItem(path);
        foreach (var (key, value) in metadata ?? [])
        {
            item.SetMetadata(key, value);
        }

        var accessor = AccessorItem.For(item, path, name, Variants(path), compressed is not null, takesHalf, rootNamespace, folder.Path);
        Source = AccessorSource.Write(accessor, ModelSignature.Read(path, takesHalf), hasOnnxRuntime, nullable: language >= LanguageVersion.CSharp8);
        // C# 7.3 is the language of .NET Framework.
        Options = CSharpParseOptions.Default.WithLanguageVersion(language).WithDocumentationMode(DocumentationMode.Diagnose)
            .WithPreprocessorSymbols(language > LanguageVersion.CSharp7_3 ? new[] { "TRACE", "NET5_0_OR_GREATER" } : ["TRACE"]);
        _trees.Add(CSharpSyntaxTree.ParseText(Source, Options));
    }

    public string Source { get; }

    public CSharpParseOptions Options { get; }

    /// <summary>Adds code that uses the accessor.</summary>
    public GeneratedAccessor With(string code)
    {
        _trees.Add(CSharpSyntaxTree.ParseText(code, Options));
        return this;
    }

    public IEnumerable<string> Problems => Compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning).Select(diagnostic => diagnostic.ToString());

    /// <summary>The compiled assembly, with the model embedded as every variant.</summary>
    public Assembly Load()
    {
        using var stream = new MemoryStream();
        var resources = _targets.Select(target => new ResourceDescription(ModelVariant.LogicalName(_name, target, isOrt: false, _isCompressed), () => new MemoryStream(_resource), isPublic: true));
        var result = Compilation.Emit(stream, manifestResources: resources);
        Assert.IsTrue(result.Success, string.Join("\n", result.Diagnostics) + "\n" + Source);
        stream.Position = 0;
        return new AssemblyLoadContext(null, isCollectible: true).LoadFromStream(stream);
    }

    private List<ModelVariant> Variants(string path) => [.. _targets.Select(target => new ModelVariant(path, path, _name, target, "", new Dictionary<string, string>(), "", ""))];

    private CSharpCompilation Compilation => CSharpCompilation.Create("App", _trees,
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => _hasOnnxRuntime || Path.GetFileName(path) != "Microsoft.ML.OnnxRuntime.dll")
            .Select(path => MetadataReference.CreateFromFile(path)),
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: false,
            nullableContextOptions: Options.LanguageVersion < LanguageVersion.CSharp8 ? NullableContextOptions.Disable : NullableContextOptions.Enable));
}
