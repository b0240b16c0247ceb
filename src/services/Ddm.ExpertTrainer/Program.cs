using Ddm.Services;
using DdmAspire.ServiceDefaults;

// Trains whatever expert comes out of its pool's queue (Ddm:Pool).
return await DdmHost.RunAsync(
    args,
    port: 5083,
    parts: ddm => ddm.AddExpertTraining(ddm.Settings.Pool),
    prepare: builder => builder.AddServiceDefaults(DdmTelemetry.Name, DdmTelemetry.MessagesName),
    map: app => app.MapDefaultEndpoints());
