using Ddm.Services;
using DdmAspire.ServiceDefaults;

// Source images to shards, shards to features: the part that reads the source files and the published encoders.
return await DdmHost.RunAsync(
    args,
    port: 5081,
    parts: ddm => ddm.AddIngest().AddFeatureExtraction(),
    prepare: builder => builder.AddServiceDefaults(DdmTelemetry.Name, DdmTelemetry.MessagesName),
    map: app => app.MapDefaultEndpoints());
