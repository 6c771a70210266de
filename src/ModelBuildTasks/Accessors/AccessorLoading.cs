using System.Collections.Generic;
using System.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Accessors;

/// <summary>Writes Load, the session and the choice of a variant.</summary>
internal sealed class AccessorLoading(SourceText source, AccessorItem accessor, string orNull)
{
    private const string Options = "global::Microsoft.ML.OnnxRuntime.SessionOptions";
    private const string Processor = "CPUExecutionProvider";
    private const string Configure = "global::System.Action<string, " + Options + ">";

    /// <summary>Targets for devices beside the processor, with what people call them and ONNX Runtime's execution provider.</summary>
    private static readonly Dictionary<string, (string Name, string Provider)> Devices = new()
    {
        [TargetNames.TensorRt] = ("TensorRT", "TensorrtExecutionProvider"),
        [TargetNames.Cuda] = ("CUDA", "CUDAExecutionProvider"),
        [TargetNames.DirectMl] = ("DirectML", "DmlExecutionProvider"),
    };

    public void Write()
    {
        WriteSession();
        WriteLoad();
    }

    /// <summary>What a session is made from: the bytes, or the path of a file, which ONNX Runtime reads itself.</summary>
    private string Model(string variant) => $"{(accessor.Embedded ? "Read(" : "")}Locate({variant}){(accessor.Embedded ? ")" : "")}";

    private void WriteSession()
    {
        source.Add("").Block($"private {accessor.Class}(string variant, {(accessor.Embedded ? "byte[]" : "string")} model, {Options} options, string{orNull} provider)", () => source.Add("""
            Variant = variant;
            ExecutionProvider = provider;
            Session = new global::Microsoft.ML.OnnxRuntime.InferenceSession(model, options);
            """));
        source.Add($$"""

            /// <summary>The variant that was chosen, one of <see cref="Variants"/>.</summary>
            public string Variant { get; }

            /// <summary>
            /// The execution provider that Load made the session for, such as CUDAExecutionProvider; {{Processor}} also for a device's variant where no device was found to work.
            /// Null where the session options were the caller's own.
            /// </summary>
            public string{{orNull}} ExecutionProvider { get; }

            /// <summary>The session itself, for what Run does not offer. It belongs to this object.</summary>
            public global::Microsoft.ML.OnnxRuntime.InferenceSession Session { get; }

            public void Dispose() => Session.Dispose();

            """);
    }

    private void WriteLoad()
    {
        var accelerated = TargetNames.ByPreference.Where(target => accessor.Targets.Contains(target) && Devices.ContainsKey(target)).ToList();
        var devices = string.Join(", else on ", accelerated.Select(target => Devices[target].Name));
        source.Add($"""
            /// <summary>Loads the best variant for this machine{(accelerated.Count > 0 ? $": on {devices} where ONNX Runtime finds a device that works, else" : ",")} for its processor.</summary>
            /// <param name="options">
            /// Session options. They name the execution providers, so with options the variant for the processor is taken; name another one in the overload for that, or change what Load would set with LoadWith.
            /// Without options, sessions ask for exact 8-bit products (session.x64quantprecision) on x64 processors without VNNI, where they saturate otherwise.
            /// </param>
            """);
        source.Add($"public static {accessor.Class} Load({Options}{orNull} options = null) => options != null ? Load(ForThisProcessor(), options) : Choose(null);");
        source.Add($"""

            /// <summary>Loads the best variant as Load without options does, with changes of your own to the session options, such as the number of threads.</summary>
            /// <param name="configure">
            /// Gets the name of the variant that is tried and the options that it would have, execution providers included, each time before a session is made. Where ONNX Runtime refuses
            /// what it sets, the next variant is tried.
            /// </param>
            public static {accessor.Class} LoadWith({Configure} configure) => Choose(configure ?? throw new global::System.ArgumentNullException(nameof(configure)));

            """);
        source.Block($"private static {accessor.Class} Choose({Configure}{orNull} configure)", () =>
        {
            foreach (var target in accelerated)
            {
                WriteAccelerated(target);
            }

            source.Add($"""
                string variant = ForThisProcessor();
                {(accessor.Embedded ? "byte[]" : "string")} model = {Model("variant")};
                """);
            WriteExact();
            source.Block($"using (var defaults = new {Options}())", () => source.Add($"""
                if (configure != null) configure(variant, defaults);
                return new {accessor.Class}(variant, model, defaults, "{Processor}");
                """));
        });
        source.Add($"""

            /// <summary>Loads the variant that is named.</summary>
            /// <param name="variant">One of <see cref="Variants"/>.</param>
            /// <param name="options">Session options with the execution providers that the variant is for.</param>
            /// <exception cref="global::System.ArgumentException">The variant is not one of <see cref="Variants"/>.</exception>
            public static {accessor.Class} Load(string variant, {Options} options) => new {accessor.Class}(variant, {Model("variant")}, options, null);
            """);
        WriteProductsSaturate();
        if (accessor.Targets.Contains(TargetNames.TensorRt))
        {
            new AccessorTensorRt(source, accessor).WriteOptions();
        }
    }

    /// <summary>Exact products of 8 bits on x64 processors without VNNI, as the worker measured; with it, the option would only cost time.</summary>
    private void WriteExact() => source.Block("if (ProductsSaturate())", () => source.Add($$"""
        try
        {
            using (var exact = new {{Options}}())
            {
                exact.AddSessionConfigEntry("session.x64quantprecision", "1");
                if (configure != null) configure(variant, exact);
                return new {{accessor.Class}}(variant, model, exact, "{{Processor}}");
            }
        }
        catch (global::Microsoft.ML.OnnxRuntime.OnnxRuntimeException)
        {
            // ONNX Runtime 1.31 refuses it where two operators share 8-bit weights, or activations are signed, too.
        }
        """)).Add("");

    // The bits of CPUID by which ONNX Runtime chooses its kernels (mlas/lib/platform.cpp). Before .NET 5 there is no way to ask.
    private void WriteProductsSaturate() => source.Add("").Block("private static bool ProductsSaturate()", () => source.Add("""
        #if NET5_0_OR_GREATER
        if (!global::System.Runtime.Intrinsics.X86.X86Base.IsSupported) return false;
        if (global::System.Runtime.Intrinsics.X86.X86Base.CpuId(0, 0).Eax < 7) return true;
        var features = global::System.Runtime.Intrinsics.X86.X86Base.CpuId(7, 0);
        bool avx512Vnni = (features.Ecx & 1 << 11) != 0;
        bool avxVnni = features.Eax >= 1 && (global::System.Runtime.Intrinsics.X86.X86Base.CpuId(7, 1).Eax & 1 << 4) != 0;
        return !avx512Vnni && !avxVnni;
        #else
        return true;
        #endif
        """));

    private void WriteAccelerated(string target)
    {
        source.Block($"if (global::System.Array.IndexOf(global::Microsoft.ML.OnnxRuntime.OrtEnv.Instance().GetAvailableProviders(), \"{Devices[target].Provider}\") >= 0)", () =>
        {
            source.Block("try", () => source.Block($"using (var device = new {Options}())", () =>
            {
                source.Add($"{(accessor.Embedded ? "byte[]" : "string")} artifact = {Model($"\"{target}\"")};");
                WriteProvider(target);
                source.Add($"""
                    // The processor's threads have little to do, and would take its time in waiting.
                    device.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
                    if (configure != null) configure("{target}", device);
                    return new {accessor.Class}("{target}", artifact, device, "{Devices[target].Provider}");
                    """);
            }));
            source.Block("catch (global::Microsoft.ML.OnnxRuntime.OnnxRuntimeException refusal)", () => source.Add($"""
                // The provider is there, but its libraries or a device are not.
                global::System.Diagnostics.Trace.TraceWarning({CSharpNames.Literal($"The variant {target} of {accessor.Name} was not taken: ")} + refusal.Message);
                """));
        });
    }

    private void WriteProvider(string target)
    {
        if (target == TargetNames.DirectMl)
        {
            // It has no memory patterns, and refuses a session that asks for them (ONNX Runtime, DirectML execution provider, "Configuration options").
            source.Add("""
                device.EnableMemoryPattern = false;
                device.AppendExecutionProvider_DML();
                """);
            return;
        }

        if (target == TargetNames.TensorRt)
        {
            new AccessorTensorRt(source, accessor).WriteProvider();
        }

        source.Add("device.AppendExecutionProvider_CUDA();");
    }
}
