namespace ModelBuildTasks.BuildTests.Infra;

/// <summary>A library and an app that uses it, in an app's folder.</summary>
internal static class ProjectFile
{
    /// <summary>A class library Models whose public accessor Models.Digits is of the app's models/digits.onnx.</summary>
    /// <param name="app">Whose folder it is in.</param>
    /// <param name="metadata">More metadata of the OptimizedModel item.</param>
    /// <param name="properties">More properties; TargetFrameworks among them replaces net10.0.</param>
    public static void WriteLibrary(this App app, string metadata = "", string properties = "") => app.Write("Models/Models.csproj", $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            {(properties.Contains("<TargetFrameworks>", StringComparison.Ordinal) ? "" : "<TargetFramework>net10.0</TargetFramework>")}
            <ModelBuildWorkerPath>$(MSBuildProjectDirectory)/../worker/FakeWorker.dll</ModelBuildWorkerPath>
            {properties}
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="ModelBuildTasks" Version="{Feed.Version}" PrivateAssets="all" />
            <PackageReference Include="Microsoft.ML.OnnxRuntime" Version="1.31.1" />
            <OptimizedModel Include="../models/digits.onnx" AccessorVisibility="Public" {metadata} />
          </ItemGroup>
        </Project>
        """);

    /// <summary>An app Consumer without ModelBuildTasks that prints the variant and the second score of Models.Digits.</summary>
    public static void WriteConsumer(this App app, string reference, string properties = "")
    {
        app.Write("Consumer/Consumer.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <ImplicitUsings>enable</ImplicitUsings>
                {properties}
              </PropertyGroup>
              <ItemGroup>{reference}</ItemGroup>
            </Project>
            """);
        app.Write("Consumer/Program.cs", """
            using var digits = Models.Digits.Load();
            Console.Write($"{digits.Variant} {digits.Run(new float[] { 5, 7, 9 }).Scores[1]}");
            """);
    }
}
