using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace ModelBuildTasks.Accessors;

/// <summary>
/// Writes Run and its Result. Inputs are copied into memory of ONNX Runtime and outputs into arrays, so that spans come and go
/// without pinning, unsafe code or lifetimes for the caller to watch.
/// </summary>
internal sealed class AccessorRunning(SourceText source, AccessorMembers members)
{
    private const string Value = "global::Microsoft.ML.OnnxRuntime.OrtValue";

    public void Write()
    {
        var unsupported = members.Inputs.Concat(members.Outputs).FirstOrDefault(tensor => tensor.Element is null);
        if (unsupported is not null)
        {
            source.Add("").Add($"// No typed Run: '{CSharpNames.Comment(unsupported.Name)}' has a type without a C# counterpart. Use Session.");
            return;
        }

        WriteNames("InputNames", members.Inputs);
        WriteNames("OutputNames", members.Outputs);
        WriteRun();
        WriteTensorCreation();
        WriteResult();
    }

    private void WriteNames(string field, IReadOnlyList<AccessorTensor> tensors) =>
        source.Add("").Add($"private static readonly string[] {field} = new string[] {{ {string.Join(", ", tensors.Select(tensor => CSharpNames.Literal(tensor.Name)))} }};");

    private void WriteRun()
    {
        var parameters = new List<string>();
        var statements = new List<string>();
        var known = new HashSet<string>();
        var comments = new List<string>();
        foreach (var tensor in members.Inputs)
        {
            comments.Add($"/// <param name=\"{tensor.Parameter.TrimStart('@')}\">{tensor.Description}, row-major.</param>");
            parameters.Add(tensor.IsScalar ? $"{tensor.Element!.CSharp} {tensor.Parameter}" : $"global::System.ReadOnlySpan<{tensor.Element!.CSharp}> {tensor.Parameter}");
            statements.AddRange(Shape(tensor, known, comments, parameters));
        }

        source.Add("").Add("/// <summary>Runs the model.</summary>");
        comments.ForEach(comment => source.Add(comment));
        source.Add("/// <exception cref=\"global::System.ArgumentException\">The length of the data is not that of the input's shape.</exception>");
        source.Block($"public Result Run({string.Join(", ", parameters)})", () =>
        {
            statements.ForEach(statement => source.Add(statement));
            source.Add($"var inputs = new {Value}[{members.Inputs.Count}];");
            source.Block("try", () =>
            {
                for (var i = 0; i < members.Inputs.Count; i++)
                {
                    var tensor = members.Inputs[i];
                    source.Add($"inputs[{i}] = {(tensor.Element!.IsString ? "CreateText" : $"Create<{tensor.Element.CSharp}>")}({ElementType(tensor)}{(tensor.IsScalar ? $"new {tensor.Element.CSharp}[] {{ {tensor.Parameter} }}" : tensor.Parameter)}, {ShapeVariable(tensor)}, {CSharpNames.Literal(tensor.Name)});");
                }

                source.Add("using (var run = new global::Microsoft.ML.OnnxRuntime.RunOptions())");
                source.Block("using (var outputs = Session.Run(run, InputNames, inputs, OutputNames))", () => source.Add("return new Result(outputs);"));
            });
            source.Block("finally", () => source.Add($"foreach ({Value} input in inputs) if (input != null) input.Dispose();"));
        });
    }

    /// <summary>
    /// How the shape of one input comes about. Of the dimensions that are still unknown the first (the batch, most often) follows from
    /// the length of the data; any further one must be a parameter.
    /// </summary>
    private IEnumerable<string> Shape(AccessorTensor tensor, HashSet<string> known, List<string> comments, List<string> parameters)
    {
        var variable = ShapeVariable(tensor);
        if (tensor.Shape is null)
        {
            parameters.Add($"global::System.ReadOnlySpan<long> {tensor.Parameter}Shape");
            comments.Add($"/// <param name=\"{tensor.Parameter.TrimStart('@')}Shape\">The sizes of {CSharpNames.Comment(tensor.Name)}.</param>");
            yield return $"long[] {variable} = {tensor.Parameter}Shape.ToArray();";
            yield break;
        }

        string? inferred = null;
        for (var axis = 0; axis < tensor.Shape.Count; axis++)
        {
            if (tensor.Shape[axis].Size is not null || !known.Add(members.Size(tensor, axis).Key))
            {
                continue;
            }

            var size = members.Size(tensor, axis).Variable;
            if (inferred is null)
            {
                inferred = size;
                continue;
            }

            parameters.Add($"long {size}");
            comments.Add($"/// <param name=\"{size.TrimStart('@')}\">The size of axis {axis.ToString(CultureInfo.InvariantCulture)} of {CSharpNames.Comment(tensor.Name)}.</param>");
        }

        if (inferred is not null)
        {
            // A symbol that an input has twice, as a square image would, can't follow from a product.
            var others = Enumerable.Range(0, tensor.Shape.Count).Select(axis => SizeOf(tensor, axis)).ToList();
            var isSquare = others.Count(size => size == inferred) > 1;
            if (isSquare)
            {
                parameters.Add($"long {inferred}");
                comments.Add($"/// <param name=\"{inferred.TrimStart('@')}\">A size of {CSharpNames.Comment(tensor.Name)}.</param>");
            }
            else
            {
                yield return $"long {inferred} = Infer({tensor.Parameter}.Length, {CSharpNames.Literal(tensor.Name)}, new long[] {{ {string.Join(", ", others.Where(size => size != inferred))} }});";
            }
        }

        yield return $"var {variable} = new long[] {{ {string.Join(", ", Enumerable.Range(0, tensor.Shape.Count).Select(axis => SizeOf(tensor, axis)))} }};";
    }

    private string SizeOf(AccessorTensor tensor, int axis) =>
        tensor.Shape![axis].Size is { } size ? size.ToString(CultureInfo.InvariantCulture) + "L" : members.Size(tensor, axis).Variable;

    private static string ShapeVariable(AccessorTensor tensor) => $"shapeOf{tensor.Member}";

    private static string ElementType(AccessorTensor tensor) =>
        tensor.Element!.IsString ? "" : $"global::Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.{tensor.Element.OnnxRuntime}, ";

    private void WriteTensorCreation()
    {
        if (members.Inputs.Any(tensor => tensor.Shape is not null && !tensor.IsStatic))
        {
            source.Add("").Block("private static long Infer(int length, string name, long[] others)", () => source.Add("""
                long product = 1;
                foreach (long size in others) product = checked(product * size);
                if (product <= 0 || length % product != 0)
                    throw new global::System.ArgumentException("The input '" + name + "' has " + length + " elements, which is no multiple of " + product + ".");
                return length / product;
                """));
        }

        source.Add("").Block("private static void Check(int length, long[] shape, string name)", () => source.Add("""
            long product = 1;
            foreach (long size in shape) product = checked(product * size);
            if (length != product)
                throw new global::System.ArgumentException("The input '" + name + "' has " + length + " elements; its shape [" + string.Join(", ", shape) + "] asks for " + product + ".");
            """));
        if (members.Inputs.Any(tensor => !tensor.Element!.IsString))
        {
            source.Add("").Block($"private static {Value} Create<T>(global::Microsoft.ML.OnnxRuntime.Tensors.TensorElementType type, global::System.ReadOnlySpan<T> data, long[] shape, string name) where T : unmanaged", () => source.Add($$"""
                Check(data.Length, shape, name);
                {{Value}} input = {{Value}}.CreateAllocatedTensorValue(global::Microsoft.ML.OnnxRuntime.OrtAllocator.DefaultInstance, type, shape);
                data.CopyTo(input.GetTensorMutableDataAsSpan<T>());
                return input;
                """));
        }

        if (members.Inputs.Any(tensor => tensor.Element!.IsString))
        {
            source.Add("").Block($"private static {Value} CreateText(global::System.ReadOnlySpan<string> data, long[] shape, string name)", () => source.Add($$"""
                Check(data.Length, shape, name);
                {{Value}} input = {{Value}}.CreateTensorWithEmptyStrings(global::Microsoft.ML.OnnxRuntime.OrtAllocator.DefaultInstance, shape);
                for (int i = 0; i < data.Length; i++) input.StringTensorSetElementAt(global::System.MemoryExtensions.AsSpan(data[i]), i);
                return input;
                """));
        }
    }

    private void WriteResult()
    {
        source.Add("").Add("/// <summary>What one run computed; the caller's own, and good for as long as it is held.</summary>");
        source.Block("public sealed class Result", () =>
        {
            foreach (var tensor in members.Outputs)
            {
                source.Add($"private readonly {tensor.Element!.CSharp}[] {Field(tensor)};");
                if (!tensor.IsStatic)
                {
                    source.Add($"private readonly long[] {Field(tensor)}Shape;");
                }
            }

            source.Add("").Block($"internal Result(global::Microsoft.ML.OnnxRuntime.IDisposableReadOnlyCollection<{Value}> outputs)", () =>
            {
                for (var i = 0; i < members.Outputs.Count; i++)
                {
                    var tensor = members.Outputs[i];
                    source.Add($"{Field(tensor)} = outputs[{i}].{(tensor.Element!.IsString ? "GetStringTensorAsArray()" : $"GetTensorDataAsSpan<{tensor.Element.CSharp}>().ToArray()")};");
                    if (!tensor.IsStatic)
                    {
                        source.Add($"{Field(tensor)}Shape = outputs[{i}].GetTensorTypeAndShape().Shape;");
                    }
                }
            });
            foreach (var tensor in members.Outputs)
            {
                source.Add("").Add($"/// <summary>{tensor.Description}, row-major.</summary>");
                source.Add($"public global::System.ReadOnlySpan<{tensor.Element!.CSharp}> {tensor.Member} => {Field(tensor)};");
                if (!tensor.IsStatic)
                {
                    source.Add($"/// <summary>The sizes of <see cref=\"{tensor.Member}\"/> in this run.</summary>");
                    source.Add($"public global::System.ReadOnlySpan<long> {tensor.Member}Shape => {Field(tensor)}Shape;");
                }
            }
        });
    }

    private static string Field(AccessorTensor tensor) => $"_{tensor.Member}";
}
