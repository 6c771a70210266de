using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Accessors;

/// <summary>Writes how TensorRT is asked to run a variant. What it leaves over, CUDA takes.</summary>
internal sealed class AccessorTensorRt(SourceText source, AccessorItem accessor)
{
    // Each UpdateOptions begins with the defaults (ONNX Runtime, TensorrtExecutionProviderInfo::UpdateProviderOptions): a second one would take back what the first said.
    public void WriteProvider()
    {
        source.Add("""
            // TensorRT optimizes by itself, and what ONNX Runtime makes of Q/DQ can keep it from building an engine (ONNX Runtime, issue 17312).
            device.GraphOptimizationLevel = global::Microsoft.ML.OnnxRuntime.GraphOptimizationLevel.ORT_DISABLE_ALL;
            string local = global::System.Environment.GetFolderPath(global::System.Environment.SpecialFolder.LocalApplicationData, global::System.Environment.SpecialFolderOption.DoNotVerify);
            """);
        source.Add("// This ends in an exception where TensorRT itself is not on the machine, before a folder is made for its engines.");
        source.Block("using (var probed = new global::Microsoft.ML.OnnxRuntime.OrtTensorRTProviderOptions())", () => source.Block("using (var probe = new global::Microsoft.ML.OnnxRuntime.SessionOptions())",
            () => source.Add("probe.AppendExecutionProvider_Tensorrt(probed);")));
        source.Block("using (var engine = new global::Microsoft.ML.OnnxRuntime.OrtTensorRTProviderOptions())", () => source.Add("""
            engine.UpdateOptions(TensorRtOptions(artifact, global::System.IO.Path.Combine(local, "ModelBuildTasks", "tensorrt")));
            device.AppendExecutionProvider_Tensorrt(engine);
            """));
    }

    // TensorRT refuses Q/DQ where int8 is not enabled (ONNX Runtime, issue 13381), asks for a calibration table where it is and there is no Q/DQ (issue 10743), and takes float16 only where
    // that is enabled. So each is enabled where the artifact says that it holds it (ArtifactMetadata.Types).
    // Sparse kernels are only tried where the builder may look for weights with 2:4 zeros; others stay as they are (TensorRT developer guide, "Structured sparsity").
    // An engine takes minutes to build, so it is kept, under a name that the provider makes from the model, the device and its own version (ONNX Runtime, TensorRT execution
    // provider, "trt_engine_cache_enable"). A folder that can't be made costs the keeping only.
    public void WriteOptions() => source.Add("").Block(
        $"private static global::System.Collections.Generic.Dictionary<string, string> TensorRtOptions({(accessor.Embedded ? "byte[]" : "string")} model, string folder)", () =>
        {
            source.Add("var engine = new global::System.Collections.Generic.Dictionary<string, string>();");
            source.Block("using (var options = new global::Microsoft.ML.OnnxRuntime.SessionOptions())", () => source.Add($$"""
                options.GraphOptimizationLevel = global::Microsoft.ML.OnnxRuntime.GraphOptimizationLevel.ORT_DISABLE_ALL;
                using (var session = new global::Microsoft.ML.OnnxRuntime.InferenceSession(model, options))
                {
                    var metadata = session.ModelMetadata.CustomMetadataMap;
                    string[] types = metadata.ContainsKey("{{ArtifactMetadata.Types}}") ? metadata["{{ArtifactMetadata.Types}}"].Split(new[] { "{{ArtifactMetadata.Separator}}" }, global::System.StringSplitOptions.None) : new string[0];
                    engine["trt_int8_enable"] = global::System.Array.IndexOf(types, "Int8") >= 0 ? "1" : "0";
                    engine["trt_fp16_enable"] = global::System.Array.IndexOf(types, "Float16") >= 0 ? "1" : "0";
                }
                """));
            source.Add("""engine["trt_sparsity_enable"] = "1";""");
            source.Block("try", () => source.Add("""
                global::System.IO.Directory.CreateDirectory(folder);
                engine["trt_engine_cache_enable"] = "1";
                engine["trt_engine_cache_path"] = folder;
                engine["trt_timing_cache_enable"] = "1";
                engine["trt_timing_cache_path"] = folder;
                """));
            source.Block("catch (global::System.SystemException)", () => source.Add("// There is no such folder for this user, or no right to it."));
            source.Add("return engine;");
        });
}
